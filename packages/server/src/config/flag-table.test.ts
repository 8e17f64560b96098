import { describe, expect, it } from 'vitest';
import { environmentName } from './flag.ts';
import { flagsByName, flagTable } from './flag-table.ts';
import { parseFlagText } from './flag-value.ts';
import { helpText } from './help.ts';

describe('the flag table', () => {
  it('names every flag once', () => {
    expect(flagsByName.size).toBe(flagTable.length);
  });

  it('has a readable default for every flag', () => {
    for (const flag of flagTable) {
      expect(() => parseFlagText(flag, flag.defaultText), flag.name).not.toThrow();
    }
  });

  it('uses a key of the config file once', () => {
    const keys = flagTable.map((flag) => flag.fileKey).filter((key) => key !== null);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('derives environment variables from names', () => {
    expect(flagTable.filter((flag) => flag.name === 'data-dir').map(environmentName)).toEqual([
      'ETCD_DATA_DIR',
    ]);
  });

  it('is shown by the help text: what works with its default, what does not by name', () => {
    const help = helpText();
    expect(help).toContain("  --name 'default'\n    Name of this member");
    expect(help).toContain("  --heartbeat-interval '100'\n");
    for (const flag of flagTable.filter((candidate) => candidate.support !== 'legacy')) {
      const shown = flag.support === 'no-effect' || help.includes(`--${flag.name}`);
      expect(shown, flag.name).toBe(true);
    }
  });
});
