import type {
  BinaryReadOptions,
  BinaryWriteOptions,
  JsonReadOptions,
  JsonWriteOptions,
} from '@bufbuild/protobuf';
import type { Interceptor, Transport } from '@connectrpc/connect';
import {
  type CommonTransportOptions,
  type Compression,
  validateReadWriteMaxBytes,
} from '@connectrpc/connect/protocol';
import { createTransport as createConnectTransport } from '@connectrpc/connect/protocol-connect';
import { createTransport as createGrpcTransport } from '@connectrpc/connect/protocol-grpc';
import { createTransport as createGrpcWebTransport } from '@connectrpc/connect/protocol-grpc-web';
import type { GrpcClient } from '../grpc/client.ts';
import { defaultLimits } from '../limits.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { gzipCompression } from './gzip.ts';
import { h2HttpClient } from './http-client.ts';

/** What a transport talks, and to whom. All but `client` has a default. */
export interface H2TransportOptions {
  /** Who makes the calls; it stays the caller's to close. */
  readonly client: GrpcClient;
  /** Default `grpc`. */
  readonly protocol?: 'grpc' | 'grpc-web' | 'connect';
  /** Protobuf (true, the default) or JSON. */
  readonly useBinaryFormat?: boolean;
  /** For calls that have none of their own, in ms; by default they have no deadline. */
  readonly defaultTimeoutMs?: number;
  /** Calls wait for a connection, also after failed attempts, and do not fail with `unavailable`. */
  readonly waitForReady?: boolean;
  readonly interceptors?: readonly Interceptor[];
  /** Compresses requests of `compressMinBytes`, by default 1024, and more. */
  readonly sendCompression?: Compression;
  readonly compressMinBytes?: number;
  /** By default gzip. Over gRPC with Protobuf it is always gzip, unless `sendCompression` is set. */
  readonly acceptCompression?: readonly Compression[];
  /** GET for methods without side effects, with the Connect protocol. */
  readonly useHttpGet?: boolean;
  /**
   * Bytes of a message, inflated; 2 MiB by default. For gRPC with Protobuf the client's `maxReceiveMessageBytes`
   * holds besides, and alone by default.
   */
  readonly readMaxBytes?: number;
  /** Bytes of a message; by default unbounded. */
  readonly writeMaxBytes?: number;
  readonly binaryOptions?: Partial<BinaryReadOptions & BinaryWriteOptions>;
  readonly jsonOptions?: Partial<JsonReadOptions & JsonWriteOptions>;
}

/**
 * Connect's `Transport` over a `GrpcClient`. Calls fail with `ConnectError`. gRPC with Protobuf, the usual
 * case, goes by this package's own codec, everything else by Connect's over plain HTTP/2 requests.
 */
export function createH2Transport(options: H2TransportOptions): Transport {
  const { client, protocol = 'grpc', useBinaryFormat = true } = options;
  const isNative = protocol === 'grpc' && useBinaryFormat && options.sendCompression === undefined;
  const limits = validateReadWriteMaxBytes(
    options.readMaxBytes ?? (isNative ? undefined : defaultLimits.maxReceiveMessageBytes),
    options.writeMaxBytes,
    options.compressMinBytes,
  );
  const common: CommonTransportOptions = {
    ...limits,
    httpClient: h2HttpClient(client, options.waitForReady),
    baseUrl: client.origin,
    useBinaryFormat,
    interceptors: [...(options.interceptors ?? [])],
    acceptCompression: [...(options.acceptCompression ?? [gzipCompression])],
    sendCompression: options.sendCompression ?? null,
    useHttpGet: options.useHttpGet ?? false,
    ...pick(options, 'defaultTimeoutMs'),
    ...pick(options, 'binaryOptions'),
    ...pick(options, 'jsonOptions'),
  };
  switch (protocol) {
    case 'connect':
      return createConnectTransport(common);
    case 'grpc-web':
      return createGrpcWebTransport(common);
    case 'grpc':
      return isNative
        ? new GrpcTransport(client, common, options.waitForReady === true)
        : createGrpcTransport(common);
  }
}

/** An object with the one property, or with none when it is undefined. */
function pick<T, K extends keyof T>(from: T, key: K): { [P in K]?: NonNullable<T[K]> } {
  const value = from[key];
  return value === undefined || value === null
    ? {}
    : ({ [key]: value } as { [P in K]?: NonNullable<T[K]> });
}
