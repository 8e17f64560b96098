import { HOST } from './layout.ts';
import { type MemberStatus, readStatus } from './status.ts';

/** How long a member may take to say how it is, in milliseconds. */
const STATUS_TIMEOUT_MS = 1000;

/** Asks a member of this machine how it is; undefined when it does not answer in time. */
export async function askStatus(clientPort: number): Promise<MemberStatus | undefined> {
  try {
    const answer = await fetch(`http://${HOST}:${clientPort}/etcdserverpb.Maintenance/Status`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(STATUS_TIMEOUT_MS),
    });
    return readStatus(await answer.json());
  } catch {
    // It is down, or too busy to say.
    return undefined;
  }
}
