import { ErrorCode, Flag, FrameType } from '../../src/frames.ts';
import type { FramePeer, RawFrame } from '../../src/testing/index.ts';

/** What became of one connection of an attacker. */
export interface Outcome {
  /** `GOAWAY <code>`, or `closed` when the byte stream ended without one, or `open`. */
  readonly ending: string;
  /** The GOAWAY's text; empty when there was none. */
  readonly text: string;
  /** How many streams ended as `RST <code>`, `:status <n>` or `grpc-status <n>`. */
  readonly answers: ReadonlyMap<string, number>;
  /** From the connection's beginning to its end, or until now. */
  readonly lifeMs: number;
}

const codeNames: ReadonlyMap<number, string> = new Map(
  Object.entries(ErrorCode).map(([name, code]) => [
    code,
    name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  ]),
);

/** `ENHANCE_YOUR_CALM` for 11, as RFC 9113 §7 spells it. */
function codeName(code: number): string {
  return codeNames.get(code) ?? `code ${code}`;
}

/** Reads what a connection got; to be called once for each, since header blocks are decoded once. */
export function outcomeOf(peer: FramePeer, lifeMs: number): Outcome {
  const answers = new Map<string, number>();
  let goaway: Buffer | undefined;
  for (const frame of peer.frames) {
    if (frame.type === FrameType.goaway) goaway = frame.payload;
    const answer = answerOf(peer, frame);
    if (answer !== undefined) answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  if (!peer.isEnded) return { ending: 'open', text: '', answers, lifeMs };
  if (goaway === undefined) return { ending: 'closed', text: '', answers, lifeMs };
  const ending = `GOAWAY ${codeName(goaway.readUInt32BE(4))}`;
  return { ending, text: goaway.subarray(8).toString('latin1'), answers, lifeMs };
}

/** How a frame ends its stream; undefined when it does not, or when all is well. */
function answerOf(peer: FramePeer, frame: RawFrame): string | undefined {
  if (frame.type === FrameType.rstStream) {
    const code = frame.payload.readUInt32BE(0);
    // After a complete answer the rest of the request is called off.
    return code === ErrorCode.noError ? undefined : `RST ${codeName(code)}`;
  }
  if (frame.type !== FrameType.headers) return undefined;
  const fields = peer.decode(frame);
  if ((frame.flags & Flag.endStream) === 0) return undefined;
  const status = fields.get('grpc-status');
  return status === undefined ? `:status ${fields.get(':status')}` : `grpc-status ${status}`;
}
