/*
 * Paths as etcd's v2 store has them. Clients see what lies under /1; /2 holds users and roles, and /0 is where etcd keeps
 * its membership. /0 and /1 are always there and have no rows of their own.
 */
export const CLUSTER_ROOT = '/0';
export const KEYS_ROOT = '/1';
export const ADMIN_ROOT = '/2';
/** The file that says whether callers are asked who they are: `true` or `false`. */
export const AUTH_ENABLED: string = `${ADMIN_ROOT}/enabled`;
const FIXED: ReadonlySet<string> = new Set(['/', CLUSTER_ROOT, KEYS_ROOT]);

/** Whether nobody may change a path: the root, for those who see only a part of the tree. */
export function isFixed(path: string): boolean {
  return FIXED.has(path);
}

/**
 * The path of a key: begins with a slash, ends with none, has no empty, `.` or `..` element. `..` stops at the root.
 *
 * @example cleanPath('a//b/../c/') // '/a/c'
 */
export function cleanPath(path: string): string {
  const elements: string[] = [];
  for (const element of path.split('/')) {
    if (element === '..') elements.pop();
    else if (element !== '' && element !== '.') elements.push(element);
  }
  return `/${elements.join('/')}`;
}

/** The path of what a client names, which stays below its root. */
export function keysPath(clientPath: string): string {
  const path = cleanPath(clientPath);
  return path === '/' ? KEYS_ROOT : KEYS_ROOT + path;
}

/** A path as clients see it: the root is nothing. Other texts pass. */
export function shownPath(path: string): string {
  return path === KEYS_ROOT || path.startsWith(`${KEYS_ROOT}/`)
    ? path.slice(KEYS_ROOT.length)
    : path;
}

export function childPath(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether listings of its directory leave it out. */
export function isHiddenName(name: string): boolean {
  return name.startsWith('_');
}

/** All that lies on the way to a path, from the topmost element down to the path itself; none for `/`. */
export function pathsTo(path: string): string[] {
  if (path === '/') return [];
  const paths: string[] = [];
  for (let slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
    paths.push(path.slice(0, slash));
  }
  paths.push(path);
  return paths;
}
