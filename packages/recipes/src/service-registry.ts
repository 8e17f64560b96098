import type { Client } from '@kvorum/client';
import { platformEnvironment, type RecipeEnvironment } from './environment.ts';
import { Registration, type RegistrationOptions } from './registration.ts';
import { type Instance, type InstanceInit, readInstance } from './service-instance.ts';
import { ServiceWatch } from './service-watch.ts';
import type { WaitOptions } from './session.ts';

/** Where services are registered. */
export interface ServiceRegistryOptions {
  /** What all keys begin with. Default `services/`. */
  readonly prefix?: string;
  /** Default: the platform's timers, and random UUIDs. */
  readonly environment?: RecipeEnvironment;
}

/** Which instances are wanted. */
export interface ResolveOptions extends WaitOptions {
  /** Those that say they cannot serve, too. Default false. */
  readonly unhealthy?: boolean;
}

/**
 * Services by name, and where their instances are. An instance is a key `PREFIX SERVICE/ID` with the lease of its process, in
 * the form of `naming/endpoints` of etcd's Go client, whose resolver finds it too (it does not look at its health).
 *
 * An instance that dies without a word is found until its lease has run out; one that cannot reach the cluster is no
 * longer found though it may well serve. Whoever calls an instance must expect that it is gone.
 */
export class ServiceRegistry {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #environment: RecipeEnvironment;

  constructor(client: Client, options: ServiceRegistryOptions = {}) {
    this.#client = client;
    this.#prefix = options.prefix ?? 'services/';
    this.#environment = options.environment ?? platformEnvironment;
  }

  /**
   * Registers an instance, and keeps it registered until it is closed: when its lease is lost, it comes back with
   * another one as soon as the cluster can be reached. Rejects with `ClientError`.
   */
  async register(
    service: string,
    instance: InstanceInit,
    options: RegistrationOptions = {},
  ): Promise<Registration> {
    const id = instance.id ?? this.#environment.uniqueName();
    const key = this.#prefixOf(service) + id;
    const parts = { client: this.#client, key, id, instance, options };
    return await Registration.open({ ...parts, timers: this.#environment.timers });
  }

  /** The instances of a service, in the order of their registration. Rejects with `ClientError`. */
  async resolve(service: string, options: ResolveOptions = {}): Promise<readonly Instance[]> {
    const prefix = this.#prefixOf(service);
    const call = options.signal === undefined ? {} : { signal: options.signal };
    const sorted = { sortBy: 'createRevision', ...call } as const;
    const { entries } = await this.#client.range({ prefix }, sorted);
    const instances = entries.flatMap((entry) => readInstance(entry, prefix) ?? []);
    return instances.filter(({ health }) => options.unhealthy === true || health === 'serving');
  }

  /** The instances of a service, now and whenever they change; see `ServiceWatch`. */
  watch(service: string, options: ResolveOptions = {}): ServiceWatch {
    const prefix = this.#prefixOf(service);
    const { unhealthy = false, signal } = options;
    const { timers } = this.#environment;
    return new ServiceWatch({ client: this.#client, prefix, unhealthy, signal, timers });
  }

  #prefixOf(service: string): string {
    return `${this.#prefix}${service}/`;
  }
}
