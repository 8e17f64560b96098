import {
  type Entry,
  type MemberId,
  type Message,
  type MessageType,
  messageTypeNumbers,
  newMessage,
} from '@kvorum/raft';
import { int64Words } from '../codec/int64-words.ts';
import { ProtoError, ProtoReader } from '../codec/proto-reader.ts';
import { ProtoWriter } from '../codec/proto-writer.ts';

/*
 * Messages between members as the peer streams carry them. Who sends to whom is known from the stream, and most fields
 * of most messages are zero, so an answer takes about ten bytes.
 *
 *   batch    message*
 *   message  type (1, raftpb's number) · flags (1) · term · index · logTerm · commit
 *            · from (8, big-endian)      if flags & FROM: somebody else's, which the sender passes on
 *            · rejectHint                if flags & HINT
 *            · size · context            if flags & CONTEXT
 *            · count · entry*            if flags & ENTRIES
 *   entry    size * 4 + type · term above the one before · data
 *
 * Numbers are varints. Entries follow each other in the log, the first one behind `index`, and their terms never fall:
 * the first is counted from `logTerm`. A proposal that is passed on has neither.
 */

const FLAG = { reject: 1, from: 2, hint: 4, context: 8, entries: 16 } as const;
const ENTRY_TYPES = ['normal', 'confChange', 'confChangeV2'] as const;
const NO_BYTES = new Uint8Array(0);

const messageTypes: readonly (MessageType | undefined)[] = (() => {
  const types: (MessageType | undefined)[] = [];
  for (const [type, number] of Object.entries(messageTypeNumbers)) {
    types[number] = type as MessageType;
  }
  return types;
})();

/** Entries as bytes, and what they are the encoding of. */
interface EncodedEntries {
  readonly first: Entry;
  readonly last: Entry;
  readonly baseTerm: number;
  readonly bytes: Uint8Array;
}

/**
 * Encodes the messages of a turn, all peers' with one of these: a leader sends the same entries to everybody, and they
 * are encoded once.
 */
export class MessageEncoder {
  readonly #writer = new ProtoWriter(64 * 1024);
  #entries: EncodedEntries | undefined;

  /**
   * A batch for one peer, in pieces that must not be changed. `sender` is this member: a message of another's is passed
   * on with its name.
   */
  encode(messages: readonly Message[], sender: MemberId): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    const writer = this.#writer;
    for (const message of messages) {
      this.#head(message, sender);
      if (message.entries.length === 0) continue;
      writer.uint(message.entries.length);
      const head = writer.take();
      pieces.push(head, this.#entriesOf(message));
    }
    if (writer.size > 0) pieces.push(writer.take());
    return pieces;
  }

  /** Forgets the entries that were encoded last, for a peer that comes later this turn. */
  clear(): void {
    this.#entries = undefined;
  }

  #head(message: Message, sender: MemberId): void {
    const { type, term, index, logTerm, commit, context, entries } = message;
    const isForeign = message.from !== sender;
    const flags =
      (message.reject ? FLAG.reject : 0) |
      (isForeign ? FLAG.from : 0) |
      (message.rejectHint === 0 ? 0 : FLAG.hint) |
      (context.length === 0 ? 0 : FLAG.context) |
      (entries.length === 0 ? 0 : FLAG.entries);
    const writer = this.#writer;
    writer.uint(messageTypeNumbers[type]).uint(flags);
    writer.uint(term).uint(index).uint(logTerm).uint(commit);
    if (isForeign) {
      const from = Buffer.allocUnsafe(8);
      from.writeBigUInt64BE(message.from);
      writer.raw(from);
    }
    if (message.rejectHint !== 0) writer.uint(message.rejectHint);
    if (context.length > 0) writer.uint(context.length).raw(context);
  }

  #entriesOf({ entries, logTerm }: Message): Uint8Array {
    const first = entries[0] as Entry;
    const last = entries[entries.length - 1] as Entry;
    const known = this.#entries;
    if (known?.first === first && known.last === last && known.baseTerm === logTerm) {
      return known.bytes;
    }
    const writer = this.#writer;
    let term = logTerm;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry;
      const { type, data } = entry;
      writer.uint(data.length * 4 + (type === 'normal' ? 0 : ENTRY_TYPES.indexOf(type)));
      writer.uint(entry.term - term).raw(data);
      term = entry.term;
    }
    const bytes = writer.take();
    this.#entries = { first, last, baseTerm: logTerm, bytes };
    return bytes;
  }
}

/**
 * The messages of a batch from `sender` to `receiver`, in order. Data and contexts are views into the bytes. Throws
 * `ProtoError` for what is no batch.
 */
export function decodeMessages(bytes: Uint8Array, sender: MemberId, receiver: MemberId): Message[] {
  const reader = new ProtoReader(bytes);
  const messages: Message[] = [];
  while (reader.pos < bytes.length) messages.push(decodeOne(bytes, reader, sender, receiver));
  return messages;
}

function decodeOne(
  bytes: Uint8Array,
  reader: ProtoReader,
  sender: MemberId,
  receiver: MemberId,
): Message {
  const number = reader.uint();
  const type = messageTypes[number];
  if (type === undefined) throw new ProtoError(`a message of unknown type ${number}`);
  const flags = reader.uint();
  const message = newMessage(type, receiver);
  message.from = sender;
  message.reject = (flags & FLAG.reject) !== 0;
  message.term = reader.uint();
  message.index = reader.uint();
  message.logTerm = reader.uint();
  message.commit = reader.uint();
  if ((flags & FLAG.from) !== 0) message.from = idAt(take(bytes, reader, 8));
  if ((flags & FLAG.hint) !== 0) message.rejectHint = reader.uint();
  if ((flags & FLAG.context) !== 0) message.context = take(bytes, reader, reader.uint());
  if ((flags & FLAG.entries) !== 0) message.entries = decodeEntries(bytes, reader, message);
  return message;
}

function decodeEntries(bytes: Uint8Array, reader: ProtoReader, message: Message): Entry[] {
  const count = reader.uint();
  // Each takes two bytes at least: a count that is made up costs nothing.
  if (count * 2 > bytes.length - reader.pos) throw new ProtoError('unexpected EOF');
  const isPassedOn = message.type === 'MsgProp';
  const entries: Entry[] = [];
  let term = message.logTerm;
  for (let i = 1; i <= count; i++) {
    const head = reader.uint();
    const type = ENTRY_TYPES[head % 4];
    if (type === undefined) throw new ProtoError('an entry of unknown type');
    term += reader.uint();
    const size = Math.floor(head / 4);
    const data = size === 0 ? NO_BYTES : take(bytes, reader, size);
    const index = isPassedOn ? 0 : message.index + i;
    entries.push({ term, index, type, data, context: undefined });
  }
  return entries;
}

function take(bytes: Uint8Array, reader: ProtoReader, size: number): Uint8Array {
  const end = reader.pos + size;
  if (end > bytes.length) throw new ProtoError('unexpected EOF');
  const view = bytes.subarray(reader.pos, end);
  reader.pos = end;
  return view;
}

function idAt(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return BigInt.asUintN(64, int64Words.join(view.getUint32(0), view.getUint32(4)));
}
