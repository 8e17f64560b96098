import { durationFlag, stringFlag } from './flags/flag.ts';
import type { Program } from './program/command.ts';
import { utlTable } from './utl/table.ts';

/** kvutl: what etcdutl does to files and folders, for Kvorum's. Its texts call it etcdutl, as scripts may expect. */
export const kvutlProgram: Program = {
  name: 'etcdutl',
  summary: 'An administrative command line tool for etcd3.',
  globalFlags: {
    timeout: durationFlag('time to wait for the lock of a data directory; 0 waits forever', '10s'),
    'write-out': stringFlag(
      'set the output format (fields, json, protobuf, simple, table)',
      'simple',
      'w',
    ),
  },
  variablePrefix: 'ETCDUTL',
  groups: [],
  commands: utlTable,
  helpFooter: '',
};
