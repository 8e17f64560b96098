/** The etcd API level this server implements and reports to clients (`/version`, Status). */
export const ETCD_VERSION = '3.7.1';

/** Kvorum's own version, printed beside it; equals `version` in this package's package.json (a test holds that). */
export const KVORUM_VERSION = '0.0.0';

/** What --version prints; scripts read the first line. */
export function versionText(): string {
  return [
    `etcd Version: ${ETCD_VERSION}`,
    `Kvorum Version: ${KVORUM_VERSION}`,
    `Node Version: ${process.version}`,
    `Node OS/Arch: ${process.platform}/${process.arch}`,
    '',
  ].join('\n');
}
