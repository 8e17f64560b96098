import { type Entry, type Message, messageTypeNumbers, newMessage } from '@kvorum/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessages, MessageEncoder } from './message-codec.ts';

const ME = 0xf000_0000_0000_0001n;
const YOU = 0x8e9e_05c5_2164_694dn;

const types = Object.keys(messageTypeNumbers) as Message['type'][];
const number = fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1), fc.maxSafeNat());
const bytes = fc.uint8Array({ maxLength: 300 });
const entryParts = fc.record({
  type: fc.constantFrom<Entry['type']>('normal', 'confChange', 'confChangeV2'),
  termAbove: fc.nat(3),
  data: bytes,
});

const messages = fc
  .record({
    type: fc.constantFrom(...types),
    from: fc.oneof(fc.constant(ME), fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })),
    term: number,
    index: fc.nat(2 ** 40),
    logTerm: fc.nat(2 ** 40),
    commit: number,
    reject: fc.boolean(),
    rejectHint: number,
    context: bytes,
    parts: fc.array(entryParts, { maxLength: 5 }),
  })
  .map(({ type, parts, ...fields }): Message => {
    let term = fields.logTerm;
    const entries = parts.map((part, i): Entry => {
      term += part.termAbove;
      const index = type === 'MsgProp' ? 0 : fields.index + i + 1;
      return { term, index, type: part.type, data: part.data, context: undefined };
    });
    return { ...newMessage(type, YOU), ...fields, entries };
  });

function encode(batch: readonly Message[]): Buffer {
  return Buffer.concat(new MessageEncoder().encode(batch, ME));
}

describe('the codec of messages between members', () => {
  it('gives back what it was given', () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 4 }), (batch) => {
        const decoded = decodeMessages(new Uint8Array(encode(batch)), ME, YOU);
        expect(decoded).toEqual(batch.map((message) => ({ ...message, snapshot: undefined })));
      }),
    );
  });

  it('refuses bytes that break off, and never runs away on others', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (message, seed) => {
        const whole = encode([message]);
        const cut = whole.subarray(0, seed % whole.length);
        if (cut.length > 0) expect(() => decodeMessages(cut, ME, YOU)).toThrow();
        const changed = Buffer.from(whole);
        changed[seed % whole.length] = seed & 0xff;
        try {
          decodeMessages(changed, ME, YOU);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ProtoError' });
        }
      }),
    );
  });

  it('encodes the same entries for two peers once', () => {
    const entries = [{ term: 1, index: 5, type: 'normal' as const, data: Buffer.from('x') }];
    const encoder = new MessageEncoder();
    const message = { ...newMessage('MsgApp', YOU), index: 4, logTerm: 1, entries };
    const [, one] = encoder.encode([message], ME);
    const [, other] = encoder.encode([{ ...message, to: 3n, commit: 4 }], ME);
    expect(other).toBe(one);
  });
});
