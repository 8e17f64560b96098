import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.ts';

describe('a byte queue', () => {
  it('gives bytes back in order, however they went in and come out', () => {
    const step = fc.oneof(
      fc.record({ push: fc.uint8Array({ maxLength: 5000, size: 'max' }) }),
      fc.record({ write: fc.uint8Array({ minLength: 1, maxLength: 500 }) }),
      fc.record({ shift: fc.integer({ min: 1, max: 6000 }) }),
      fc.record({ back: fc.nat(10) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new ByteQueue();
        let model = Buffer.alloc(0);
        for (const current of steps) {
          if ('push' in current) {
            queue.push(current.push);
            model = Buffer.concat([model, current.push]);
          } else if ('write' in current) {
            const at = queue.reserve(current.write.length);
            queue.block.set(current.write, at);
            model = Buffer.concat([model, current.write]);
          } else {
            const wanted = 'shift' in current ? current.shift : 100;
            const piece = queue.shift(wanted);
            expect(piece === undefined).toBe(model.length === 0);
            if (piece === undefined) continue;
            expect(piece.length).toBeLessThanOrEqual(wanted);
            expect(model.subarray(0, piece.length).equals(piece)).toBe(true);
            const kept =
              'back' in current ? Math.min(current.back, piece.length - 1) : piece.length;
            if (kept < piece.length) queue.unshift(piece.subarray(kept));
            model = model.subarray(kept);
          }
          expect(queue.size).toBe(model.length);
        }
      }),
    );
  });

  it('keeps tiny pieces together', () => {
    const queue = new ByteQueue();
    for (let i = 0; i < 100_000; i++) queue.push(Buffer.from([i]));
    let pieces = 0;
    while (queue.shift(1 << 20) !== undefined) pieces += 1;
    expect(pieces).toBeLessThan(100);
  });
});
