import { create, type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { reflectionV1, reflectionV1alpha } from '@kvorum/api';
import type { GrpcMethod, StreamCall, StreamReceiver } from '@kvorum/h2';
import { decodeMessage } from '../codec/message.ts';
import { statusOf } from './method.ts';

const NOT_FOUND = 5;

/**
 * Server reflection, in both versions that tools ask for: which services there are, and their descriptors, so that
 * grpcurl and its kin need no .proto files. etcd doesn't have it.
 */
export function reflectionMethods(services: readonly DescService[]): [string, GrpcMethod][] {
  const index = new DescriptorIndex(services);
  const path = '/grpc.reflection';
  return [
    [`${path}.v1.ServerReflection/ServerReflectionInfo`, reflectionMethod(index)],
    [`${path}.v1alpha.ServerReflection/ServerReflectionInfo`, reflectionMethod(index)],
  ];
}

/** Both versions have the same messages under two package names, so one pair of schemas serves both. */
const REQUEST = reflectionV1.ServerReflectionRequestSchema;
const RESPONSE = reflectionV1.ServerReflectionResponseSchema;
type Request = reflectionV1.ServerReflectionRequest;
type Response = reflectionV1.ServerReflectionResponse['messageResponse'];

/** Files by path, and the file that declares each symbol. */
class DescriptorIndex {
  readonly serviceNames: readonly string[];
  readonly #files = new Map<string, DescFile>();
  readonly #fileOfSymbol = new Map<string, DescFile>();

  constructor(services: readonly DescService[]) {
    this.serviceNames = services.map((service) => service.typeName);
    for (const service of services) this.#add(service.file);
    this.#add(reflectionV1.file_grpc_reflection_v1_reflection);
    this.#add(reflectionV1alpha.file_grpc_reflection_v1alpha_reflection);
  }

  /** The file of that path and all it imports, encoded. */
  filesByPath(path: string): Uint8Array[] | undefined {
    const file = this.#files.get(path);
    return file === undefined ? undefined : closure(file);
  }

  /** The file that declares the symbol (service, method, message, field or enum), and all it imports. */
  filesBySymbol(symbol: string): Uint8Array[] | undefined {
    for (let name = symbol; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const file = this.#fileOfSymbol.get(name);
      if (file !== undefined) return closure(file);
    }
    return undefined;
  }

  #add(file: DescFile): void {
    const path = `${file.name}.proto`;
    if (this.#files.has(path)) return;
    this.#files.set(path, file);
    for (const { typeName } of [...file.services, ...file.messages, ...file.enums]) {
      this.#fileOfSymbol.set(typeName, file);
    }
    for (const imported of file.dependencies) this.#add(imported);
  }
}

/** Imported files come first, as compilers need them. */
function closure(file: DescFile): Uint8Array[] {
  const ordered = new Set<DescFile>();
  const visit = (next: DescFile): void => {
    for (const imported of next.dependencies) visit(imported);
    ordered.add(next);
  };
  visit(file);
  return [...ordered].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}

function reflectionMethod(index: DescriptorIndex): GrpcMethod {
  return { kind: 'stream', open: (call) => new ReflectionStream(index, call) };
}

class ReflectionStream implements StreamReceiver {
  readonly #index: DescriptorIndex;
  readonly #call: StreamCall;

  constructor(index: DescriptorIndex, call: StreamCall) {
    this.#index = index;
    this.#call = call;
  }

  onMessage(message: Uint8Array): void {
    try {
      const request = decodeMessage(REQUEST, message);
      const messageResponse = this.#answer(request.messageRequest);
      const { host } = request;
      const response = create(RESPONSE, {
        validHost: host,
        originalRequest: request,
        messageResponse,
      });
      if (!this.#call.send(toBinary(RESPONSE, response))) this.#call.pause();
    } catch (error) {
      const { status, text } = statusOf(error, 'stream');
      this.#call.end(status, text);
    }
  }

  onHalfClose(): void {
    this.#call.end();
  }

  onDrain(): void {
    this.#call.resume();
  }

  onAbort(): void {}

  #answer(request: Request['messageRequest']): Response {
    switch (request.case) {
      case 'listServices': {
        const service = this.#index.serviceNames.map((name) => ({ name }));
        const value = create(reflectionV1.ListServiceResponseSchema, { service });
        return { case: 'listServicesResponse', value };
      }
      case 'fileByFilename':
        return filesOrError(this.#index.filesByPath(request.value), request.value);
      case 'fileContainingSymbol':
        return filesOrError(this.#index.filesBySymbol(request.value), request.value);
      default:
        return notFound(request.case ?? 'empty request');
    }
  }
}

function filesOrError(files: Uint8Array[] | undefined, asked: string): Response {
  if (files === undefined) return notFound(asked);
  const value = create(reflectionV1.FileDescriptorResponseSchema, { fileDescriptorProto: files });
  return { case: 'fileDescriptorResponse', value };
}

function notFound(asked: string): Response {
  const error = { errorCode: NOT_FOUND, errorMessage: `${asked} not found` };
  return { case: 'errorResponse', value: create(reflectionV1.ErrorResponseSchema, error) };
}
