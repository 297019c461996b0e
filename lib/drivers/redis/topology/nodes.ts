import { parseAddress, type Address } from './topology.js';

/** What is kept per node: a connection to it, or an object that has one. */
interface Node {
  close(): Promise<void>;
  /** The node is not needed any more: closes this once commands under way are answered. */
  retire(): Promise<void>;
}

/** Keeps one object for each needed node of a cluster. Opens it when the node is first asked. */
export class Nodes<T extends Node> {
  private readonly byName = new Map<string, T>();
  private readonly leaving = new Set<T>();

  constructor(private readonly open: (address: Address) => T) {}

  /** @param name the node's address as text */
  at(name: string): T {
    let node = this.byName.get(name);
    if (!node) this.byName.set(name, (node = this.open(parseAddress(name))));
    return node;
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  values(): Iterable<T> {
    return this.byName.values();
  }

  /** Retires the objects of all other nodes. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [name, node] of this.byName) {
      if (names.has(name)) continue;
      this.byName.delete(name);
      this.leaving.add(node);
      void node.retire().finally(() => this.leaving.delete(node));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.byName.values(), ...this.leaving].map((node) => node.close()));
  }
}
