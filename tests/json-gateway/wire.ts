import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
} from 'node:http2';
import { connect, type Socket } from 'node:net';
import { within } from '../framework/eventually.ts';

/** A connection on which a JSON request is said byte by byte, over either HTTP version. */
export interface Wire extends Disposable {
  /** Says more of the body. */
  say(text: string): void;
  /** The body is complete. */
  finish(): void;
  /** Everything of the answer's body so far. */
  readonly heard: string;
  /** Resolves when the pattern stands in the answer so many times; rejects when that does not come. */
  hears(pattern: RegExp, count?: number): Promise<void>;
  /** Resolves when the server has ended the answer or the connection. */
  readonly ended: Promise<void>;
  /** Reads no more. */
  deafen(): void;
  /** Leaves without a word. */
  hangUp(): void;
}

/** Megabytes may come before what is waited for, on a busy machine. */
const HEARING_DEADLINE_MS = 30_000;

/** What both have in common: text that comes piece by piece. */
class Hearing {
  readonly ended: Promise<void>;
  readonly #lines: string[] = [];
  #rest = '';
  #wake = Promise.withResolvers<void>();

  constructor(source: Socket | ClientHttp2Stream) {
    source.setEncoding('utf8');
    source.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
    source.on('error', () => {});
    this.ended = new Promise((resolve) => {
      source.once('end', resolve);
      source.once('close', resolve);
    });
  }

  get heard(): string {
    return [...this.#lines, this.#rest].join('\n');
  }

  hears(pattern: RegExp, count = 1): Promise<void> {
    const all = new RegExp(pattern, 'g');
    const countIn = (text: string) => text.match(all)?.length ?? 0;
    const wait = async () => {
      let found = 0;
      for (let at = 0; ; ) {
        for (; at < this.#lines.length; at++) found += countIn(this.#lines[at] as string);
        if (found + countIn(this.#rest) >= count) return;
        await this.#wake.promise;
      }
    };
    return within(`${pattern} ${count} times in the answer`, wait(), HEARING_DEADLINE_MS);
  }
}

/** Begins a POST over HTTP/1.1 whose body comes in chunks. */
export async function overHttp1(url: string, path: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const hearing = new Hearing(socket);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  return {
    say: (text) => {
      socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
    },
    finish: () => {
      socket.write('0\r\n\r\n');
    },
    get heard() {
      return hearing.heard;
    },
    hears: (pattern, count) => hearing.hears(pattern, count),
    ended: hearing.ended,
    deafen: () => {
      socket.pause();
    },
    hangUp: () => {
      socket.resetAndDestroy();
    },
    [Symbol.dispose]: () => {
      socket.destroy();
    },
  };
}

/** The same over HTTP/2, on a connection of its own. */
export async function overHttp2(url: string, path: string): Promise<Wire> {
  const session: ClientHttp2Session = connectHttp2(url);
  session.on('error', () => {});
  await new Promise((resolve) => session.once('connect', resolve));
  const stream = session.request({ ':method': 'POST', ':path': path });
  const hearing = new Hearing(stream);
  return {
    say: (text) => {
      stream.write(text);
    },
    finish: () => {
      stream.end();
    },
    get heard() {
      return hearing.heard;
    },
    hears: (pattern, count) => hearing.hears(pattern, count),
    ended: hearing.ended,
    deafen: () => {
      stream.pause();
    },
    hangUp: () => {
      session.destroy();
    },
    [Symbol.dispose]: () => {
      session.destroy();
    },
  };
}

export const wires = { 'HTTP/1.1': overHttp1, 'HTTP/2': overHttp2 } as const;
