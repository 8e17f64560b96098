import { type V2Request, v2Request } from '../../codec/v2-request.ts';

const NAMES = ['a', 'b', 'a-b', '_h', 'c'];
const VALUES = ['', 'x', 'y', 'long value'];
const SECOND_NS = 1_000_000_000n;
const START_NS = 1_700_000_000n * SECOND_NS;

/** A request about few keys, so that they meet; `step` moves the time. */
export function randomV2Request(
  below: (bound: number) => number,
  step: number,
  index: number,
): V2Request {
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;
  const names = Array.from({ length: 1 + below(3) }, () => pick(NAMES));
  const timeNs = START_NS + BigInt(step) * SECOND_NS;
  const method = pick(['PUT', 'PUT', 'PUT', 'PUT', 'POST', 'DELETE', 'SYNC'] as const);
  const expires = below(3) === 0;
  const compares = below(4) === 0;
  return v2Request(method, {
    path: `/1/${names.join('/')}`,
    value: pick(VALUES),
    isDir: below(4) === 0,
    prevValue: compares ? pick(VALUES) : '',
    prevIndex: compares && below(2) === 0 ? BigInt(Math.max(0, index - below(4))) : 0n,
    prevExist: pick([undefined, undefined, true, false]),
    expirationNs: expires ? timeNs + BigInt(1 + below(20)) * SECOND_NS : 0n,
    isRecursive: below(2) === 0,
    timeNs,
    isRefresh: expires && below(3) === 0,
  });
}
