import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { within } from './eventually.ts';
import { RunningProgram } from './process.ts';

/** How long a page may take until it reports, the start of Chromium on a busy machine included. */
const pageDeadlineMs = 50_000;

/** For any page of a test. */
export const headlessFlags: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Runs a script as the page of an origin of its own in headless Chromium, and resolves with what it passes to the
 * global function `report`, as JSON; an error that the page does not catch rejects. `query` is the page's own.
 */
export async function runPage(chromium: string, script: string, query: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'POST') resolve(await text(request));
    const isScript = request.url?.startsWith('/page.js') === true;
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? `${reporter}${script}` : page);
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const profile = mkdtempSync(join(tmpdir(), 'kvorum-browser-'));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/?${query}`;
  // Servers have certificates of tests.
  const args = [...headlessFlags, '--ignore-certificate-errors', `--user-data-dir=${profile}`, url];
  const browser = await RunningProgram.start(chromium, { args });
  try {
    const report = JSON.parse(await within('a report of the page', promise, pageDeadlineMs));
    if ('error' in report) throw new Error(`the page failed: ${report.error}`);
    return report.value;
  } finally {
    await browser[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const page = '<!doctype html><title>test</title><script type="module" src="/page.js"></script>';

const reporter = `
const send = (body) => fetch('/report', { method: 'POST', body: JSON.stringify(body) });
globalThis.report = (value) => send({ value });
addEventListener('error', (event) => send({ error: String(event.error?.stack ?? event.message) }));
addEventListener('unhandledrejection', ({ reason }) => send({ error: String(reason?.stack ?? reason) }));
`;
