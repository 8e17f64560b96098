import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType } from '../frames.ts';
import { defaultLimits } from '../limits.ts';
import { ServerHarness } from '../testing/server-harness.ts';
import { connectServices } from './connect-services.ts';
import { Words } from './testing/gen/words_pb.ts';
import { oursWithOurs } from './testing/pairings.ts';
import { WordsService } from './testing/words.ts';

/** A server of the test service whose clock stands still, and a request to it whose body has not come. */
async function begin(method: string, type: string): Promise<ServerHarness> {
  const harness = new ServerHarness(connectServices(new WordsService().routes));
  harness.peer.greet();
  harness.peer.sendHeaders(1, [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', `/kvorum.test.v1.Words/${method}`],
    [':authority', 'test'],
    ['content-type', type],
  ]);
  await harness.peer.roundTrip();
  return harness;
}

describe('a request over Connect that has fallen silent', () => {
  it('is given up when it has one message', async () => {
    const harness = await begin('Say', 'application/proto');
    harness.clock.advance(defaultLimits.bodyTimeoutMs + 2000);
    expect(await harness.reset(1)).toBe(ErrorCode.cancel);
  });

  it('goes on when it is a stream', async () => {
    const harness = await begin('Echo', 'application/connect+proto');
    harness.clock.advance(defaultLimits.bodyTimeoutMs + 2000);
    harness.peer.send(FrameType.data, Flag.endStream, 1);
    const end = await harness.end(1);
    expect(end?.type).toBe(FrameType.data);
  });
});

describe.each(['grpc', 'grpc-web', 'connect'] as const)('over %s', (protocol) => {
  it('messages have a limit of 2 MiB, unless another is set', async () => {
    const { transport, close } = await oursWithOurs({ protocol, useBinaryFormat: true });
    const calls = createClient(Words, transport);
    const text = 'x'.repeat(defaultLimits.maxReceiveMessageBytes);
    const tooLong = await calls.say({ text }).catch((error: unknown) => error);
    expect(ConnectError.from(tooLong).code).toBe(Code.ResourceExhausted);
    const tooLongBack = await calls
      .say({ text: text.slice(1e6), count: 2 })
      .catch((e: unknown) => e);
    expect(ConnectError.from(tooLongBack).code).toBe(Code.ResourceExhausted);
    await close();
  });

  it('an error whose details cannot be sent is told without them, or not at all', async () => {
    const { transport, close } = await oursWithOurs(
      { protocol, useBinaryFormat: true },
      {
        server: {
          interceptors: [
            () => async () => {
              const details = [{ desc: {} as never, value: {} }];
              throw new ConnectError('out of range', Code.OutOfRange, undefined, details);
            },
          ],
        },
      },
    );
    const calls = createClient(Words, transport);
    const error = await calls.say({}).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConnectError);
    const codes = [Code.OutOfRange, Code.Internal, Code.Unknown];
    expect(codes).toContain(ConnectError.from(error).code);
    await close();
  });
});
