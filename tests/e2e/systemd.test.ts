import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startKvorum } from '../framework/member.ts';
import { RunningProgram } from '../framework/process.ts';

const hasTools = ['systemd-notify', 'python3'].every((program) => {
  return spawnSync(program, ['--version']).status === 0;
});

/** Prints what comes as datagrams, as systemd would read it, line by line. */
const reader = `
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.bind(sys.argv[1])
    print('bound', flush=True)
    while True:
        print(s.recv(4096).decode(), flush=True)
`;

describe.skipIf(!hasTools)('under systemd', () => {
  it('says when it serves, and when it stops', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kvorum-systemd-'));
    const path = join(folder, 'notify');
    try {
      await using listener = await RunningProgram.start('python3', { args: ['-c', reader, path] });
      await listener.stdout.line(/^bound$/);
      await using member = await startKvorum({ env: { NOTIFY_SOCKET: path } });
      await listener.stdout.line(/^READY=1$/);
      expect(await member.stop()).toMatchObject({ code: 0 });
      await listener.stdout.line(/^STOPPING=1$/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('serves all the same when there is nobody to tell', async () => {
    await using member = await startKvorum({ env: { NOTIFY_SOCKET: '/nowhere/notify' } });
    await member.process.stderr.line(/could not tell systemd/);
    expect(await member.stop()).toMatchObject({ code: 0 });
  });
});
