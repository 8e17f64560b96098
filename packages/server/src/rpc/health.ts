import { create, toBinary } from '@bufbuild/protobuf';
import { EtcdError, etcdErrors, health } from '@kvorum/api';
import type { GrpcMethod, StreamCall, StreamReceiver } from '@kvorum/h2';
import { decodeMessage } from '../codec/message.ts';
import { statusOf, unaryAsync } from './method.ts';
import type { EndlessStream, OpenStreams } from './open-streams.ts';

const NOT_FOUND = 5;

/** grpc.health.v1.Health: the server as a whole (service `""`) serves from the moment it listens. */
export function healthMethods(streams: OpenStreams): [string, GrpcMethod][] {
  const path = '/grpc.health.v1.Health';
  const open = (call: StreamCall) => new HealthWatch(streams, call);
  return [
    [`${path}/Check`, unaryAsync(check)],
    [`${path}/List`, unaryAsync(list)],
    [`${path}/Watch`, { kind: 'stream', open }],
  ];
}

const { SERVING, SERVICE_UNKNOWN } = health.HealthCheckResponse_ServingStatus;

async function check(bytes: Uint8Array): Promise<Uint8Array> {
  const { service } = decodeMessage(health.HealthCheckRequestSchema, bytes);
  if (service !== '') throw new EtcdError('unmapped', NOT_FOUND, 'unknown service');
  return encodeStatus(SERVING);
}

async function list(): Promise<Uint8Array> {
  const statuses = { '': create(health.HealthCheckResponseSchema, { status: SERVING }) };
  return toBinary(
    health.HealthListResponseSchema,
    create(health.HealthListResponseSchema, { statuses }),
  );
}

/** One status at once, then only changes; there are none until the server ends. */
class HealthWatch implements StreamReceiver, EndlessStream {
  readonly #streams: OpenStreams;
  readonly #call: StreamCall;

  constructor(streams: OpenStreams, call: StreamCall) {
    this.#streams = streams;
    this.#call = call;
    streams.add(this);
  }

  onMessage(message: Uint8Array): void {
    try {
      const { service } = decodeMessage(health.HealthCheckRequestSchema, message);
      this.#call.send(encodeStatus(service === '' ? SERVING : SERVICE_UNKNOWN));
    } catch (error) {
      const { status, text } = statusOf(error, 'stream');
      this.#call.end(status, text);
    }
  }

  onHalfClose(): void {}

  onAbort(): void {
    this.#streams.delete(this);
  }

  stop(): void {
    this.#streams.delete(this);
    const { status, text } = etcdErrors.stopped;
    this.#call.end(status, text);
  }
}

function encodeStatus(status: health.HealthCheckResponse_ServingStatus): Uint8Array {
  const response = create(health.HealthCheckResponseSchema, { status });
  return toBinary(health.HealthCheckResponseSchema, response);
}
