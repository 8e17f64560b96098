import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { OpenAnswers } from './open-answers.ts';

it('who drains waits for answers that are under way, and for no others', async () => {
  const answers = new OpenAnswers();
  const held: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    answers.begin(response);
    held.push(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const fetched = [1, 2].map(() => fetch(`http://127.0.0.1:${port}`));
  while (held.length < 2) await once(server, 'request');

  let isDrained = false;
  const drained = answers.drain().then(() => {
    isDrained = true;
  });
  held[0]?.end('one');
  await fetched[0]?.then((response) => response.text());
  expect(isDrained).toBe(false);
  held[1]?.end('two');
  await drained;
  await expect(answers.drain()).resolves.toBeUndefined();
  expect(await fetched[1]?.then((response) => response.text())).toBe('two');
  server.closeAllConnections();
  server.close();
});
