import { connectRpc } from '@kvorum/client';
import { expect, it } from 'vitest';
import { ResumingWatch } from './resuming-watch.ts';

it('does not begin when its signal has fired already', async () => {
  using client = connectRpc({ endpoints: ['127.0.0.1:1'] });
  const after = () => () => {};
  const watch = new ResumingWatch(client, { after }, { key: Buffer.from('key') });
  const answers = [];
  for await (const answer of watch.responses(AbortSignal.abort())) answers.push(answer);
  expect(answers).toEqual([]);
});
