import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type Interceptor,
} from '@connectrpc/connect';
import { WordSchema, Words } from './gen/words_pb.ts';

/** Requests with a meaning of their own. */
export const fail = 'fail';
export const breakDown = 'break';
export const wait = 'wait';

/** Implements the test service, and remembers what became of the calls that wait. */
export class WordsService {
  readonly #begun: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #aborted: PromiseWithResolvers<unknown> = Promise.withResolvers();
  /** Messages that `Split` has made so far. */
  splits = 0;
  /** Requests that `Join` and `Echo` have read so far. */
  reads = 0;

  readonly routes = (router: ConnectRouter): void => {
    router.service(Words, {
      say: async (word, context) => {
        echoMetadata(context);
        return { text: (await this.#answer(word.text, context)).repeat(word.count || 1) };
      },
      split: (word, context) => this.#split(word.text, word.count, context),
      join: async (words, context) => {
        echoMetadata(context);
        let text = '';
        for await (const word of words) {
          this.reads += 1;
          text += await this.#answer(word.text, context);
        }
        return { text };
      },
      echo: (words, context) => this.#echo(words, context),
    });
  };

  /** Resolves when a handler waits. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Resolves with the reason when the signal of a handler that waits is aborted. */
  get aborted(): Promise<unknown> {
    return this.#aborted.promise;
  }

  async *#split(text: string, count: number, context: HandlerContext) {
    echoMetadata(context);
    for (let i = 0; i < count; i++) {
      this.splits += 1;
      yield { text: await this.#answer(text, context), count: i };
    }
    if (count === 0) await this.#answer(text, context);
  }

  async *#echo(words: AsyncIterable<{ text: string }>, context: HandlerContext) {
    echoMetadata(context);
    for await (const { text } of words) {
      this.reads += 1;
      yield { text: await this.#answer(text, context) };
    }
  }

  async #answer(text: string, context: HandlerContext): Promise<string> {
    if (text === breakDown) throw new Error('a secret');
    if (text === wait) await this.#wait(context.signal);
    if (text !== fail) return text;
    const details = [{ desc: WordSchema, value: { text: 'this one' } }];
    throw new ConnectError('no such wörd', Code.NotFound, { 'x-why': 'test' }, details);
  }

  #wait(signal: AbortSignal): Promise<never> {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.#aborted.resolve(signal.reason);
        reject(signal.reason);
      });
      this.#begun.resolve();
    });
  }
}

/** Sends back the metadata that came, ahead of the messages and behind. */
function echoMetadata(context: HandlerContext): void {
  const token = context.requestHeader.get('x-token');
  const bytes = context.requestHeader.get('data-bin');
  if (token !== null) context.responseHeader.set('x-head', token);
  if (token !== null) context.responseTrailer.set('x-tail', token);
  if (bytes !== null) context.responseTrailer.set('data-bin', bytes);
}

/** Marks requests, so that a server shows whether it ran. */
export const tagging: Interceptor = (next) => async (request) => {
  request.header.set('x-token', 'tagged');
  return await next(request);
};
