import { it } from 'vitest';
import { fuzzPart } from './testing/fuzz-test.ts';

it('answers random sequences as node:http2 does, part 2 of 2', () => fuzzPart(1), 1_800_000);
