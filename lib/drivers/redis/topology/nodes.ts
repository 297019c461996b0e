import { parseAddress, type Address } from './topology.js';

/** What stands for a node: a connection to it, or something that has one. */
interface Node {
  close(): Promise<void>;
  /** Its node is not needed any more: closes it, once what is under way is known. */
  retire(): Promise<void>;
}

/** One thing for each node of a cluster that is needed, opened when it is first asked for. */
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

  /** Lets go of those of all other nodes. */
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
