import { it } from 'vitest';
import { fuzzPart } from './testing/fuzz-test.ts';

it('answers random sequences as node:http2 does, part 1 of 2', () => fuzzPart(0), 1_800_000);
