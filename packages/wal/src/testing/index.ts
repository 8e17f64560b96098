export { Prng } from './prng.ts';
export { entryOf, payloadOf, snapshotOf, stateOf } from './records.ts';
export { type Boundary, type DiskOperation, SimDisk, type SimDiskOptions } from './sim-disk.ts';
export { SimFile } from './sim-file.ts';
