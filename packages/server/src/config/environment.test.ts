import { describe, expect, it } from 'vitest';
import { parseCommandLine } from './command-line.ts';
import { applyEnvironment } from './environment.ts';

describe('applyEnvironment', () => {
  it('reads a flag from its variable and says so', () => {
    const { values } = parseCommandLine([]);
    const notices = applyEnvironment({ ETCD_NAME: 'n1', ETCD_HEARTBEAT_INTERVAL: '50' }, values);
    expect(values.text('name')).toBe('n1');
    expect(values.integer('heartbeat-interval')).toBe(50);
    expect(notices).toContainEqual({
      level: 'info',
      message: 'recognized and used environment variable',
      fields: { 'variable-name': 'ETCD_NAME', 'variable-value': 'n1' },
    });
  });

  it('takes an empty variable for none', () => {
    const { values } = parseCommandLine(['--name', 'x']);
    expect(applyEnvironment({ ETCD_NAME: '' }, values)).toEqual([]);
    expect(values.text('name')).toBe('x');
  });

  it('refuses a variable whose flag is given as well', () => {
    const { values } = parseCommandLine(['--name', 'x']);
    expect(() => applyEnvironment({ ETCD_NAME: 'x' }, values)).toThrow(
      'conflicting environment variable is shadowed by corresponding command-line flag ' +
        '(either unset environment variable or disable flag)): ETCD_NAME',
    );
  });

  it('refuses an unreadable value with exit code 1', () => {
    const { values } = parseCommandLine([]);
    const environment = { ETCD_HEARTBEAT_INTERVAL: 'zz' };
    expect(() => applyEnvironment(environment, values)).toThrow(
      expect.objectContaining({
        message: 'invalid value "zz" for ETCD_HEARTBEAT_INTERVAL: parse error',
        exitCode: 1,
      }),
    );
  });

  it('warns of variables that stand for nothing, but only of those with the prefix', () => {
    const { values } = parseCommandLine([]);
    const environment = { ETCD_BOGUS: 'x', ETCDCTL_API: '3', PATH: '/bin', ETCD_VERIFY: 'all' };
    expect(applyEnvironment(environment, values)).toEqual([
      {
        level: 'warn',
        message: 'unrecognized environment variable',
        fields: { 'environment-variable': 'ETCD_BOGUS' },
      },
    ]);
  });

  it('does not take ETCD_VERSION for --version', () => {
    const { values } = parseCommandLine([]);
    const [notice] = applyEnvironment({ ETCD_VERSION: '3.5.16' }, values);
    expect(notice?.level).toBe('warn');
    expect(values.bool('version')).toBe(false);
  });
});
