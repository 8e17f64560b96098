import type { V2Request } from '../../codec/v2-request.ts';

interface ModelNode {
  readonly isDir: boolean;
  readonly value: string;
  readonly created: number;
  readonly modified: number;
  readonly expires: bigint;
}

/** What a request gives: the action, the key and its indexes; or code, cause and index of a refusal. */
export type ModelOutcome = readonly (string | number)[];

/** The v2 keys as one would explain them: a flat list of paths. Slow and obvious; for plain ASCII keys below `/1`. */
export class V2Model {
  readonly nodes = new Map<string, ModelNode>();
  index = 0;

  apply(request: V2Request): ModelOutcome {
    if (request.method === 'SYNC') return this.#sync(request.timeNs);
    const { method, prevExist } = request;
    const compares = request.prevValue !== '' || request.prevIndex !== 0n;
    if (method === 'DELETE') return compares ? this.#deleteIf(request) : this.#delete(request);
    if (method === 'POST') return this.#post(request);
    if (prevExist === false) return this.#make('create', request, false);
    if (compares) return this.#swap(request);
    if (prevExist === true) return this.#update(request);
    return this.#set(request);
  }

  /** All that is below a directory, with what clients see of it, in order. */
  listing(): ModelOutcome[] {
    return [...this.nodes]
      .filter(([path]) => !path.includes('/_'))
      .sort(([a], [b]) => (a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1))
      .map(([path, { isDir, value, modified, created }]) => {
        return [path.slice(2), isDir ? 'dir' : value, modified, created];
      });
  }

  #set(request: V2Request): ModelOutcome {
    const { path, isRefresh } = request;
    const before = this.nodes.get(path);
    if (!isRefresh) return this.#make('set', request, true);
    if (before === undefined) return this.#missing(path);
    return this.#make('set', { ...request, value: before.value }, true);
  }

  #post(request: V2Request): ModelOutcome {
    const name = String(this.index + 1).padStart(20, '0');
    return this.#make('create', { ...request, path: `${request.path}/${name}` }, false);
  }

  #make(action: string, request: V2Request, replaces: boolean): ModelOutcome {
    const { path, isDir, expirationNs: expires } = request;
    const above = this.#above(path);
    const file = above.find((directory) => this.nodes.get(directory)?.isDir === false);
    if (file !== undefined) return this.#refused(104, file);
    const before = this.nodes.get(path);
    if (before !== undefined && !replaces) return this.#refused(105, path);
    if (before?.isDir) return this.#refused(102, path);
    const index = ++this.index;
    const fresh = { isDir: true, value: '', created: index, modified: index, expires: 0n };
    for (const directory of above) {
      if (!this.nodes.has(directory)) this.nodes.set(directory, fresh);
    }
    const value = isDir ? '' : request.value;
    this.nodes.set(path, { ...fresh, isDir, value, expires });
    return [action, path, index, index];
  }

  #update(request: V2Request): ModelOutcome {
    const { path, isRefresh, expirationNs: expires } = request;
    const before = this.nodes.get(path);
    if (before === undefined) return this.#missing(path);
    if (before.isDir && request.value !== '') return this.#refused(102, path);
    const index = ++this.index;
    const value = isRefresh ? before.value : request.value;
    const modified = before.isDir ? before.modified : index;
    this.nodes.set(path, { ...before, value, modified, expires });
    return ['update', path, index, before.created];
  }

  #swap(request: V2Request): ModelOutcome {
    const { path, isRefresh, expirationNs: expires } = request;
    const refusal = this.#differs(request);
    const before = this.nodes.get(path);
    if (refusal !== undefined || before === undefined) return refusal ?? [];
    const modified = ++this.index;
    const value = isRefresh ? before.value : request.value;
    this.nodes.set(path, { ...before, value, modified, expires });
    return ['compareAndSwap', path, modified, before.created];
  }

  #delete(request: V2Request): ModelOutcome {
    const { path, isDir, isRecursive } = request;
    const before = this.nodes.get(path);
    if (before === undefined) return this.#missing(path);
    if (before.isDir && !isDir && !isRecursive) return this.#refused(102, path);
    if (before.isDir && !isRecursive && this.#below(path).length > 0) {
      return this.#refused(108, path);
    }
    return this.#remove('delete', path);
  }

  #deleteIf(request: V2Request): ModelOutcome {
    return this.#differs(request) ?? this.#remove('compareAndDelete', request.path);
  }

  #sync(nowNs: bigint): ModelOutcome {
    const expired: (string | number)[] = [];
    for (;;) {
      const due = [...this.nodes]
        .filter(([, { expires }]) => expires !== 0n && expires <= nowNs)
        .sort(([a, one], [b, other]) => {
          if (one.expires !== other.expires) return one.expires < other.expires ? -1 : 1;
          return a < b ? -1 : 1;
        });
      const path = due[0]?.[0];
      if (path === undefined) return expired;
      expired.push(path);
      this.#remove('expire', path);
    }
  }

  #remove(action: string, path: string): ModelOutcome {
    const created = this.nodes.get(path)?.created ?? 0;
    for (const gone of [path, ...this.#below(path)]) this.nodes.delete(gone);
    return [action, path, ++this.index, created];
  }

  #differs(request: V2Request): ModelOutcome | undefined {
    const { path, prevValue, prevIndex } = request;
    const node = this.nodes.get(path);
    if (node === undefined) return this.#missing(path);
    if (node.isDir) return this.#refused(102, path);
    const isOther = prevValue !== '' && prevValue !== node.value;
    const isLater = prevIndex !== 0n && prevIndex !== BigInt(node.modified);
    if (!isOther && !isLater) return undefined;
    const causes = [
      ...(isOther ? [`[${prevValue} != ${node.value}]`] : []),
      ...(isLater ? [`[${prevIndex} != ${node.modified}]`] : []),
    ];
    return [101, causes.join(' '), this.index];
  }

  #missing(path: string): ModelOutcome {
    for (const above of [...this.#above(path), path]) {
      const node = this.nodes.get(above);
      if (node === undefined) return this.#refused(100, above);
      if (!node.isDir && above !== path) return this.#refused(104, above);
    }
    return [];
  }

  #refused(code: number, path: string): ModelOutcome {
    return [code, path.slice(2), this.index];
  }

  #below(path: string): string[] {
    return [...this.nodes.keys()].filter((other) => other.startsWith(`${path}/`));
  }

  /** Directories above, topmost first, without the root. */
  #above(path: string): string[] {
    const names = path.split('/');
    return names.slice(3).map((_, i) => names.slice(0, i + 3).join('/'));
  }
}
