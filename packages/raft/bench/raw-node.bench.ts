import { MemoryStorage, type Message, RawNode, type Ready } from '../src/index.ts';

/*
 * What raft itself costs per committed entry: no disk, no network, no codec. `node bench/raw-node.bench.ts [entries]`.
 */

const dataBytes = 256;

interface Member {
  node: RawNode;
  storage: MemoryStorage;
  applied: number;
}

function start(id: bigint, voters: bigint[]): Member {
  const none = { learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const storage = new MemoryStorage({ voters, ...none });
  const node = new RawNode({
    id,
    storage,
    electionTicks: 10,
    heartbeatTicks: 1,
    random: () => 0.5,
  });
  return { node, storage, applied: 0 };
}

function handle(member: Member, send: (message: Message) => void): void {
  const ready: Ready = member.node.ready();
  if (ready.hardState !== undefined) member.storage.setHardState(ready.hardState);
  member.storage.append(ready.entries);
  for (const message of ready.messages) send(message);
  member.applied = ready.committedEntries.at(-1)?.index ?? member.applied;
  member.node.advance();
}

function settle(members: Member[]): void {
  const inFlight: Message[] = [];
  let busy = true;
  while (busy) {
    busy = false;
    for (const member of members) {
      while (member.node.hasReady()) {
        handle(member, (message) => inFlight.push(message));
        busy = true;
      }
    }
    for (const message of inFlight.splice(0)) members[Number(message.to) - 1]?.node.step(message);
  }
}

/** Returns nanoseconds per entry. Compacts as a server does, so that memory stays bounded. */
function run(memberCount: number, batchSize: number, entries: number): number {
  const ids = Array.from({ length: memberCount }, (_, i) => BigInt(i + 1));
  const members = ids.map((id) => start(id, ids));
  members[0]?.node.campaign();
  settle(members);
  const data = new Uint8Array(dataBytes);
  const began = process.hrtime.bigint();
  for (let done = 0; done < entries; done += batchSize) {
    members[0]?.node.propose(Array.from({ length: batchSize }, () => ({ data, context: members })));
    settle(members);
    for (const { storage, applied, node } of members) {
      if (applied - storage.firstIndex() < 10_000) continue;
      storage.createSnapshot(applied, node.status().conf, data);
      storage.compact(applied - 5_000);
    }
  }
  const nanoseconds = Number(process.hrtime.bigint() - began);
  const expected = 1 + Math.ceil(entries / batchSize) * batchSize;
  if (members.some(({ applied }) => applied !== expected)) throw new Error('entries are missing');
  return nanoseconds / entries;
}

const entries = Number(process.argv[2] ?? 400_000);
console.log(
  `${entries} entries of ${dataBytes} B; nanoseconds of CPU per entry, all members together`,
);
for (const memberCount of [1, 3]) {
  for (const batchSize of [1, 10, 100, 1_000]) {
    run(memberCount, batchSize, Math.ceil(entries / 10));
    const each = run(memberCount, batchSize, entries);
    console.log(`members ${memberCount}  batch ${batchSize}  ${each.toFixed(0)} ns`);
  }
}
