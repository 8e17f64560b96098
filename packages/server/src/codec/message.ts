import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { ProtoError } from './proto-reader.ts';

/** Decodes a message with the generated code. Throws `ProtoError` when the bytes aren't such a message. */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new ProtoError(error instanceof Error ? error.message : String(error));
  }
}
