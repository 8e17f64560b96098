import { expect, it } from 'vitest';
import { bundleForBrowser } from './bundle.ts';

// What a page has to load. More than half of it is protobuf-es and etcd's messages.

/** Bytes that the whole client may have, minified and gzipped. Raise it for something that is worth it. */
const budgetBytes = 52_000;

it('the client for browsers keeps to its budget', async () => {
  const use = `import { connect } from '@kvorum/client/web'; globalThis.client = connect;`;
  const { bytes, gzippedBytes } = await bundleForBrowser(use);
  console.log(`@kvorum/client/web: ${bytes} bytes minified, ${gzippedBytes} gzipped`);
  expect(gzippedBytes).toBeLessThan(budgetBytes);
});

it('is what a bundle for browsers gets, whichever entry point is asked for', async () => {
  const use = `import { connect } from '@kvorum/client'; globalThis.client = connect;`;
  const { gzippedBytes } = await bundleForBrowser(use);
  expect(gzippedBytes).toBeLessThan(budgetBytes);
});

it('recipes know the errors of the client that a page has', async () => {
  const use = `
    import { ClientError } from '@kvorum/client/web';
    import { ClientError as errorOfRecipes } from '@kvorum/client';
    import { Mutex } from '@kvorum/recipes';
    export const isSame = ClientError === errorOfRecipes && Mutex !== undefined;
  `;
  const { script } = await bundleForBrowser(use);
  const url = `data:text/javascript;base64,${Buffer.from(script).toString('base64')}`;
  expect(((await import(/* @vite-ignore */ url)) as { isSame: boolean }).isSame).toBe(true);
});

it('the API of npm etcd3 cannot be bundled for browsers by mistake', async () => {
  const use = `import { Etcd3 } from '@kvorum/client/etcd3'; globalThis.client = Etcd3;`;
  await expect(bundleForBrowser(use)).rejects.toThrow(/Could not resolve "node:/);
});
