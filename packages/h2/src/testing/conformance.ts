import { describe, expect, it } from 'vitest';
import { ErrorCode, FrameType } from '../frames.ts';
import type { CallStatus } from '../grpc/call-status.ts';
import type { Limits } from '../limits.ts';
import { ClientHarness, goawayCode, okFields, resetCode } from './client-harness.ts';
import type { FramePeer } from './frame-peer.ts';
import { callFields, ServerHarness } from './server-harness.ts';

/** One rule that a peer breaks, or something odd that it may do. */
export interface PeerCase {
  /** Section of the RFC. */
  readonly rule: string;
  readonly name: string;
  /** Sent by the peer. Stream 1 is open both ways, and nothing else has been opened. */
  readonly act: (peer: FramePeer) => void;
  readonly limits?: Partial<Limits>;
}

/** A case, and the error code that must answer it. */
export interface FaultCase extends PeerCase {
  readonly code: keyof typeof ErrorCode;
}

/** One end of a connection that is under test, with a peer at the other end that does as it is told. */
interface Subject {
  readonly peer: FramePeer;
  /** Error codes of connections that were ended. */
  errors(): (number | undefined)[];
  /** Whether a further call goes as it should. */
  isAlive(): Promise<boolean>;
}

type MakeSubject = (limits?: Partial<Limits>) => Promise<Subject>;

const serverSubject: MakeSubject = async (limits = {}) => {
  const harness = new ServerHarness({ limits });
  const { peer } = harness;
  peer.greet();
  peer.sendHeaders(1, callFields('Stream'));
  return {
    peer,
    errors: () => harness.errors.map(({ http2Code }) => http2Code),
    isAlive: () => harness.canCall(1001),
  };
};

const clientSubject: MakeSubject = async (limits = {}) => {
  const harness = new ClientHarness({ limits });
  harness.client.stream('/test.Echo/Stream', {
    onMessage: () => {},
    onEnd: (_status: CallStatus) => {},
  });
  const peer = await harness.serverOf(1);
  peer.sendHeaders(1, okFields);
  return {
    peer,
    errors: () => harness.errors.map((error) => (error as { http2Code?: number }).http2Code),
    isAlive: async () => {
      const call = harness.call();
      harness.answer(await harness.serverOf(3), 3);
      return Buffer.from(await call).toString() === 'yes';
    },
  };
};

const subjects = { server: serverSubject, client: clientSubject } as const;
type Side = keyof typeof subjects;

/** Defines a test for each end and case: the connection is ended with GOAWAY and the code. */
export function connectionErrors(sides: readonly Side[], cases: readonly FaultCase[]): void {
  describe.each(sides)('a connection error, in a %s, ends the connection', (side) => {
    it.each(cases)('§$rule: $name is answered with $code', async ({ code, act, limits }) => {
      const subject = await subjects[side](limits);
      act(subject.peer);
      expect(await goawayCode(subject.peer)).toBe(ErrorCode[code]);
      await subject.peer.ended();
      expect(subject.errors()).toEqual([ErrorCode[code]]);
    });
  });
}

/**
 * Defines a test for each end and case: a stream, by default stream 1, is reset with the code, and nothing
 * else happens.
 */
export function streamErrors(
  sides: readonly Side[],
  cases: readonly FaultCase[],
  streamId = 1,
): void {
  describe.each(sides)('a stream error, in a %s, resets the stream and nothing else', (side) => {
    it.each(cases)('§$rule: $name is answered with $code', async ({ code, act, limits }) => {
      const subject = await subjects[side](limits);
      act(subject.peer);
      expect(await resetCode(subject.peer, streamId)).toBe(ErrorCode[code]);
      expect(await subject.isAlive()).toBe(true);
      expect(subject.errors()).toEqual([]);
    });
  });
}

/** Defines a test for each end and case: nothing happens. */
export function tolerated(sides: readonly Side[], cases: readonly PeerCase[]): void {
  describe.each(sides)('what a %s has to bear', (side) => {
    it.each(cases)('§$rule: $name', async ({ act, limits }) => {
      const subject = await subjects[side](limits);
      act(subject.peer);
      expect(await subject.isAlive()).toBe(true);
      expect(subject.errors()).toEqual([]);
      // NO_ERROR and CANCEL end streams whose rest nobody needs.
      const harmless: readonly number[] = [ErrorCode.noError, ErrorCode.cancel];
      const resets = subject.peer.frames.filter(
        ({ type, payload }) =>
          type === FrameType.rstStream && !harmless.includes(payload.readUInt32BE(0)),
      );
      expect(resets).toEqual([]);
    });
  });
}

/** Numbers of 32 bits, one after the other. */
export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, i * 4);
  });
  return bytes;
}
