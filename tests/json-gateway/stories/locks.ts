import { a, b64, post, type Step } from '../step.ts';

const name = b64('name');
/** The key of the lease 5 in the election, and the revision that it's made at. */
const leader = { name, key: b64('name/5'), rev: '6', lease: '5' };

export const locks: readonly Step[] = [
  post('lease/grant', { TTL: 600, ID: 5 }),
  post('lease/grant', { TTL: 600, ID: 6 }),
  post('lock/lock', { name: b64('lock'), lease: '5' }),
  post('lock/lock', { name: b64('lock'), lease: 5 }),
  post('lock/lock', { name: b64('lock'), lease: 99 }),
  post('lock/lock', { name: b64('other') }, { mask: ['key'], capture: { key: 'key' } }),
  post('lock/unlock', { key: '{key}' }),
  post('lock/unlock', { key: b64('lock/5') }),
  post('lock/unlock', {}),
  post('election/leader', { name }),
  post('election/campaign', { name, lease: 99, value: a }),
  post('election/campaign', { name, lease: 5, value: a }, { capture: { rev: 'rev' } }),
  post(
    'election/campaign',
    { name, lease: 5, value: b64('again') },
    { differs: ['campaign-again'] },
  ),
  post('election/leader', { name }),
  post('election/proclaim', {}),
  post('election/proclaim', { leader: { ...leader, rev: '{rev}' }, value: b64('proclaimed') }),
  post('election/proclaim', { leader: { ...leader, rev: '1' }, value: b64('proclaimed') }),
  post(
    'election/observe',
    { name },
    { lines: 2, meanwhile: [post('election/proclaim', { leader: { ...leader, rev: '{rev}' } })] },
  ),
  post('election/resign', {}),
  post('election/resign', { leader: { ...leader, rev: '1' } }),
  post('election/resign', { leader: { ...leader, rev: '{rev}' } }),
  post('election/leader', { name }),
  post('lock/lock', { name: b64('last'), lease: 5 }),
  post('lock/lock', { name: b64('last'), lease: 6 }, { options: ['header=Grpc-Timeout: 300m'] }),
];
