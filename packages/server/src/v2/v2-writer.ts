import type { V2Request } from '../codec/v2-request.ts';
import type { Expirations } from './expirations.ts';
import { findNode, missingAbove } from './find-node.ts';
import { childPath, isFixed } from './key-path.ts';
import type { BatchView } from './node-view.ts';
import { V2Error } from './v2-error.ts';
import { eventJson, nodeJson, type V2Action, type V2Event } from './v2-event.ts';
import type { V2Node } from './v2-node.ts';

export interface V2WriterOptions {
  readonly view: BatchView;
  /** The v2 index before the change. */
  readonly index: number;
  /** By the clock of the member that proposed it, in nanoseconds since 1970. */
  readonly nowNs: bigint;
  readonly expirations: Expirations;
}

/** A change that was made, and the paths that went with it. */
export interface Outcome {
  readonly event: V2Event;
  readonly gone: readonly string[];
}

const NOTHING_GONE: readonly string[] = [];
/** 2000-01-01: what expires before is taken for a mistake of whoever wrote the time, as in etcd. */
const MIN_EXPIRATION_NS = 946_684_800n * 1_000_000_000n;

/**
 * One change of the tree. All checks come before the first write; a refusal is a `V2Error` with the index before. The
 * rules, and what a refusal names, are etcd's (`etcd: server/etcdserver/api/v2store/store.go`).
 */
export class V2Writer {
  readonly #view: BatchView;
  readonly #index: number;
  readonly #next: number;
  readonly #nowNs: bigint;
  readonly #expirations: Expirations;

  constructor(options: V2WriterOptions) {
    this.#view = options.view;
    this.#index = options.index;
    this.#next = options.index + 1;
    this.#nowNs = options.nowNs;
    this.#expirations = options.expirations;
  }

  /** Makes a node, or replaces a file. */
  set(request: V2Request): Outcome {
    const { path, isRefresh } = request;
    const before = this.#before(path);
    if (before === undefined && isRefresh) findNode(this.#view, path, this.#index);
    const value = isRefresh && before?.isDir === false ? this.#view.valueOf(path) : request.value;
    return this.#make('set', path, { ...request, value }, true);
  }

  /** Makes a node where none is; in order, one whose name is the index that it takes. */
  create(request: V2Request, inOrder: boolean): Outcome {
    const name = String(this.#next).padStart(20, '0');
    const path = inOrder ? childPath(request.path, name) : request.path;
    return this.#make('create', path, { ...request, isRefresh: false }, false);
  }

  update(request: V2Request): Outcome {
    const { path, isRefresh } = request;
    this.#refuseFixed(path);
    const before = this.#find(path);
    if (before.isDir && request.value !== '') throw this.#error(102, path);
    const prev = this.#shown(before);
    const expirationNs = expirationOf(request);
    const value = before.isDir ? undefined : isRefresh ? this.#view.valueOf(path) : request.value;
    // A directory keeps its index, though the event has a new one.
    const modifiedIndex = before.isDir ? before.modifiedIndex : this.#next;
    this.#put({ ...before, modifiedIndex, expirationNs }, value);
    const node = { ...before, modifiedIndex: this.#next, expirationNs };
    const json = eventJson('update', nodeJson(node, { value, nowNs: this.#nowNs }), prev);
    return this.#changed('update', path, json, { isRefresh });
  }

  compareAndSwap(request: V2Request): Outcome {
    const { path, isRefresh } = request;
    this.#refuseFixed(path);
    const before = this.#find(path);
    this.#mustMatch(before, request);
    const prev = this.#shown(before);
    const value = isRefresh ? this.#view.valueOf(path) : request.value;
    const node = { ...before, modifiedIndex: this.#next, expirationNs: expirationOf(request) };
    this.#put(node, value);
    const json = eventJson('compareAndSwap', nodeJson(node, { value, nowNs: this.#nowNs }), prev);
    return this.#changed('compareAndSwap', path, json, { isRefresh });
  }

  delete(request: V2Request): Outcome {
    const { path, isRecursive } = request;
    this.#refuseFixed(path);
    const before = this.#find(path);
    if (before.isDir) {
      if (!request.isDir && !isRecursive) throw this.#error(102, path);
      if (!isRecursive && this.#hasChildren(path)) throw this.#error(108, path);
    }
    return this.#remove('delete', before);
  }

  compareAndDelete(request: V2Request): Outcome {
    const before = this.#find(request.path);
    this.#mustMatch(before, request);
    return this.#remove('compareAndDelete', before);
  }

  /** Removes a node, whatever it is. */
  expire(path: string): Outcome {
    return this.#remove('expire', this.#find(path));
  }

  #make(action: 'set' | 'create', path: string, request: V2Request, replaces: boolean): Outcome {
    const view = this.#view;
    this.#refuseFixed(path);
    const missing = missingAbove(view, path, this.#index);
    const before = missing.length > 0 ? undefined : view.node(path);
    if (before !== undefined && !replaces) throw this.#error(105, path);
    if (before?.isDir === true) throw this.#error(102, path);
    const prev = before === undefined ? undefined : this.#shown(before);
    if (before !== undefined && request.isDir) view.deleteNode(before);
    for (const directory of missing)
      this.#put(this.#newNode(directory, true, undefined), undefined);
    const expirationNs = expirationOf(request);
    const isPast = expirationNs !== undefined && expirationNs < MIN_EXPIRATION_NS;
    const node = this.#newNode(path, request.isDir, isPast ? undefined : expirationNs);
    const value = request.isDir ? undefined : request.value;
    this.#put(node, value);
    const json = eventJson(action, nodeJson(node, { value, nowNs: this.#nowNs }), prev);
    const isCreated = action === 'create' || prev === undefined;
    return this.#changed(action, path, json, { isRefresh: request.isRefresh, isCreated });
  }

  #newNode(path: string, isDir: boolean, expirationNs: bigint | undefined): V2Node {
    return { path, isDir, createdIndex: this.#next, modifiedIndex: this.#next, expirationNs };
  }

  #remove(action: 'delete' | 'compareAndDelete' | 'expire', before: V2Node): Outcome {
    const { path, isDir, createdIndex } = before;
    const prev = this.#shown(before);
    const gone: string[] = [];
    if (isDir) this.#view.deleteValuesBelow(path);
    this.#removeAll(before, gone);
    const node = { ...before, modifiedIndex: this.#next, createdIndex, expirationNs: undefined };
    const shown = nodeJson(node, { value: undefined, nowNs: this.#nowNs });
    const json = eventJson(action, shown, prev);
    return { ...this.#changed(action, path, json, { isDirGone: isDir }), gone };
  }

  /** Children first. */
  #removeAll(node: V2Node, gone: string[]): void {
    if (node.isDir) {
      for (const child of [...this.#view.children(node.path)]) this.#removeAll(child, gone);
    }
    this.#view.deleteNode(node);
    this.#setExpiration(node.path, undefined);
    gone.push(node.path);
  }

  #put(node: V2Node, value: string | undefined): void {
    this.#view.putNode(node);
    if (value !== undefined) this.#view.putValue(node.path, value);
    this.#setExpiration(node.path, node.expirationNs);
  }

  #setExpiration(path: string, ns: bigint | undefined): void {
    if (this.#expirations.get(path) === ns) return;
    this.#expirations.set(path, ns);
    this.#view.putExpiration(path, ns);
  }

  #changed(
    action: V2Action,
    path: string,
    json: string,
    what: { isRefresh?: boolean; isCreated?: boolean; isDirGone?: boolean },
  ): Outcome {
    const { isRefresh = false, isCreated = false, isDirGone = false } = what;
    const event = { action, path, index: this.#next, isRefresh, isDirGone, isCreated, json };
    return { event, gone: NOTHING_GONE };
  }

  #shown(node: V2Node): string {
    const value = node.isDir ? undefined : this.#view.valueOf(node.path);
    return nodeJson(node, { value, nowNs: this.#nowNs });
  }

  #mustMatch(node: V2Node, { prevValue, prevIndex }: V2Request): void {
    const { path, modifiedIndex } = node;
    if (node.isDir) throw this.#error(102, path);
    const value = this.#view.valueOf(path);
    const differences: string[] = [];
    if (prevValue !== '' && prevValue !== value) differences.push(`[${prevValue} != ${value}]`);
    if (prevIndex !== 0n && prevIndex !== BigInt(modifiedIndex)) {
      differences.push(`[${prevIndex} != ${modifiedIndex}]`);
    }
    if (differences.length > 0) throw this.#error(101, differences.join(' '));
  }

  /** The node at a path, if there is one. Throws 104 when a file is on the way. */
  #before(path: string): V2Node | undefined {
    try {
      return this.#find(path);
    } catch (error) {
      if (error instanceof V2Error && error.code === 100) return undefined;
      throw error;
    }
  }

  #find(path: string): V2Node {
    return findNode(this.#view, path, this.#index);
  }

  #hasChildren(directory: string): boolean {
    for (const _child of this.#view.children(directory)) return true;
    return false;
  }

  #refuseFixed(path: string): void {
    if (isFixed(path)) throw this.#error(107, '/');
  }

  #error(code: 101 | 102 | 105 | 107 | 108, reason: string): V2Error {
    return new V2Error(code, reason, this.#index);
  }
}

function expirationOf({ expirationNs }: V2Request): bigint | undefined {
  return expirationNs === 0n ? undefined : expirationNs;
}
