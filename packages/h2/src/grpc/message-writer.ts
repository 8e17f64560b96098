import { writeUint32 } from '../frames.ts';
import type { Sender } from '../sender.ts';
import type { H2Stream } from '../stream.ts';
import { gzipMessage } from './compression.ts';
import { messagePrefixBytes } from './message-reader.ts';
import type { Message } from './types.ts';

/** Larger messages are not copied into the output, but handed on as they are. */
const maxCopiedBytes = 8 * 1024;

/**
 * Sends one length-prefixed message on a stream: at once where the windows allow, else queued. After the
 * last one our side of the stream is closed.
 * Returns the bytes of the message.
 */
export function sendMessage(
  sender: Sender,
  stream: H2Stream,
  message: Message,
  mayGzip: boolean,
  isLast = false,
): number {
  const compressed = mayGzip ? gzipMessage(message) : undefined;
  const flag = compressed === undefined ? 0 : 1;
  const body = compressed ?? message;
  const length = byteLength(body);
  if (length > maxCopiedBytes) {
    enqueue(sender, stream, flag, length, body);
  } else {
    const size = messagePrefixBytes + length;
    let at = sender.reserveData(stream, size, isLast);
    if (at >= 0) {
      write(sender.output.buffer, at, flag, length, body);
      if (isLast) sender.endSent(stream);
      return length;
    }
    at = sender.reserveQueued(stream, size);
    if (stream.queue !== undefined) write(stream.queue.block, at, flag, length, body);
  }
  if (isLast) sender.end(stream, undefined);
  sender.pump(stream);
  return length;
}

/**
 * The quick way of `sendMessage`, for a plain message behind others of the same stream. False: nothing was
 * done. True: it is sent, and the stream may go on.
 */
export function appendMessage(sender: Sender, stream: H2Stream, message: Uint8Array): boolean {
  const { length } = message;
  if (length > maxCopiedBytes) return false;
  const at = sender.reserveBehind(stream, messagePrefixBytes + length);
  if (at < 0) return false;
  const { buffer } = sender.output;
  buffer[at] = 0;
  buffer.set(message, writeUint32(buffer, at + 1, length));
  return true;
}

/** Queues a message by reference, behind its prefix. */
function enqueue(
  sender: Sender,
  stream: H2Stream,
  flag: number,
  length: number,
  body: Message,
): void {
  const prefix = new Uint8Array(messagePrefixBytes);
  prefix[0] = flag;
  writeUint32(prefix, 1, length);
  sender.enqueue(stream, prefix);
  if (!isPieces(body)) sender.enqueue(stream, body);
  else for (const piece of body) sender.enqueue(stream, piece);
}

/** True for a message in pieces. Quicker than asking for the class of the bytes, for each message sent. */
export function isPieces(message: Message): message is readonly Uint8Array[] {
  return Array.isArray(message);
}

/** Bytes of a message in one or more pieces. */
export function byteLength(message: Message): number {
  if (!isPieces(message)) return message.length;
  let length = 0;
  for (const piece of message) length += piece.length;
  return length;
}

function write(
  buffer: Uint8Array,
  at: number,
  flag: number,
  length: number,
  message: Message,
): void {
  buffer[at] = flag;
  let to = writeUint32(buffer, at + 1, length);
  if (!isPieces(message)) {
    buffer.set(message, to);
    return;
  }
  for (const piece of message) {
    buffer.set(piece, to);
    to += piece.length;
  }
}
