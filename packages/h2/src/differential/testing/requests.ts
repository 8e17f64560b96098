import type { Field } from './hpack-writer.ts';
import type { Prng } from './prng.ts';

/** What a client asks for, before it is written as frames. */
export interface RequestPlan {
  readonly fields: readonly Field[];
  readonly body: Buffer;
  /** Undefined: the body's last frame ends the stream. */
  readonly trailers: readonly Field[] | undefined;
}

const paths = ['/echo', '/echo', '/trailers', '/trailers', '/big/900', '/big/30000', '/status/204'];
const rarePaths = ['/status/404', '/status/304', '/early', '/hold', '/big/0', '/other?query=1'];
const names = ['x-a', 'x-b', 'user-agent', 'accept', 'cookie', 'authorization', 'x-long-name-0001'];

/** A request that any server must take. */
export function randomRequest(random: Prng): RequestPlan {
  return random.percent(30) ? grpcRequest(random) : httpRequest(random);
}

function httpRequest(random: Prng): RequestPlan {
  const method = random.pick(['GET', 'POST', 'POST', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);
  const path = random.percent(15) ? random.pick(rarePaths) : random.pick(paths);
  const hasBody = method !== 'GET' && method !== 'HEAD' && random.percent(80);
  const body = hasBody ? randomBody(random) : Buffer.alloc(0);
  const fields: Field[] = [
    [':method', method],
    [':scheme', random.pick(['http', 'https'])],
    [':path', path],
  ];
  if (random.percent(90)) fields.push([':authority', random.pick(['a', 'host.test:80'])]);
  else fields.push(['host', 'host.test']);
  if (body.length > 0 && random.percent(40)) fields.push(['content-length', String(body.length)]);
  if (body.length > 0 && random.percent(15)) fields.push(['expect', '100-continue']);
  fields.push(...randomFields(random));
  const trailers = random.percent(15) ? randomFields(random) : undefined;
  return { fields, body, trailers };
}

function grpcRequest(random: Prng): RequestPlan {
  const method = random.pick(['Unary', 'Unary', 'Stream', 'Unknown']);
  const fields: Field[] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', `/test.Echo/${method}`],
    [':authority', 'a'],
    ['content-type', random.pick(['application/grpc', 'application/grpc+proto'])],
    ['te', 'trailers'],
  ];
  if (random.percent(20)) fields.push(['grpc-timeout', random.pick(['5S', '100m', '1H'])]);
  fields.push(...randomFields(random));
  const count = method === 'Stream' ? random.below(4) : 1;
  const messages = Array.from({ length: count }, () => grpcMessage(randomBody(random)));
  return { fields, body: Buffer.concat(messages), trailers: undefined };
}

/** A message with gRPC's prefix. */
function grpcMessage(body: Buffer): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.writeUInt32BE(body.length, 1);
  bytes.set(body, 5);
  return bytes;
}

function randomBody(random: Prng): Buffer {
  const length = random.pick([0, 1, 10, 100, 1000, random.below(3000), random.below(9000)]);
  return Buffer.alloc(length, random.between(0x20, 0xff));
}

export function randomFields(random: Prng): Field[] {
  const count = random.percent(60) ? random.below(3) : random.below(8);
  return Array.from({ length: count }, (): Field => [random.pick(names), randomValue(random)]);
}

function randomValue(random: Prng): string {
  const kind = random.below(12);
  if (kind < 6) return random.pick(['', '1', 'value', 'a b', 'gzip, deflate', 'x;y=z']);
  if (kind < 10) return `v${random.below(1000)}`;
  if (kind === 10) return String.fromCharCode(random.between(0x21, 0x7e)).repeat(random.below(300));
  // Any byte of a value but those that RFC 9113 §8.2.1 forbids.
  const bytes = random.bytes(random.below(20)).map((c) => (c < 0x20 || c === 0x7f ? 0x7e : c));
  return `.${Buffer.from(bytes).toString('latin1')}.`;
}

/** A field list that breaks a rule of RFC 9113 §8.2 or §8.3, more often than not. */
export function brokenFields(fields: readonly Field[], random: Prng): Field[] {
  const changed = [...fields];
  const at = random.below(changed.length);
  const [name, value] = changed[at] as Field;
  const insert = (field: Field): void => {
    changed.splice(random.below(changed.length + 1), 0, field);
  };
  const breaks: (() => void)[] = [
    () => insert([random.pick(['X-Upper', 'x-Upper', 'Content-Type', ':Path']), 'a']),
    () => insert([random.pick(['connection', 'keep-alive', 'proxy-connection']), 'close']),
    () => insert([random.pick(['transfer-encoding', 'upgrade']), 'chunked']),
    () => insert(['te', random.pick(['trailers', 'gzip', 'trailers, deflate', ''])]),
    () => insert([random.pick([':status', ':protocol', ':unknown', ':', '']), '200']),
    () => insert([random.pick([':method', ':path', ':scheme', ':authority']), '/again']),
    () => insert(['host', random.pick(['a', 'b', ''])]),
    () => insert(['content-length', random.pick(['0', '5', '05', '-1', '+1', '1e3', 'a', ''])]),
    () => insert(['content-length', '99999999999999999999']),
    () => insert([random.pick(['x a', 'x\x01', 'x\x7f', 'x:y', 'x\xe9', 'x"']), 'a']),
    () => insert(['x-a', random.pick(['\0', 'a\nb', 'a\rb', ' a', 'a ', '\ta', 'a\x01', 'a\x7f'])]),
    () => void changed.splice(at, 1),
    () => void changed.push(changed.splice(at, 1)[0] as Field),
    () => void changed.splice(at, 1, [name.toUpperCase(), value]),
    () => void changed.splice(at, 1, [name, random.pick(['', '*', 'CONNECT', '/', 'é'])]),
    () => void changed.splice(at, 1, [name, value + random.pick(['\0', '\n', ' ', '\x80'])]),
  ];
  random.pick(breaks)();
  return changed;
}
