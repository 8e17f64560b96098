import { goldenV2 } from './golden-v2.ts';

goldenV2(
  'the help of v2',
  [[], 'help', 'h', '--help', '--nosuch get', '--timeout 5 get /x', '---x get'],
  { releases: ['3.5'], isForKvorum: false },
);
