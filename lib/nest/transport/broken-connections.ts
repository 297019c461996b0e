import type { StreamsEvents } from '../../core/events.js';

/** Connections that broke and have not come back yet. Several may have the same role. */
export class BrokenConnections {
  private readonly names = new Set<string>();

  get size(): number {
    return this.names.size;
  }

  add(connection: StreamsEvents['connected']): void {
    this.names.add(nameOf(connection));
  }

  /** @returns whether the connection was broken */
  delete(connection: StreamsEvents['connected']): boolean {
    return this.names.delete(nameOf(connection));
  }
}

const nameOf = ({ role, connection = 0, slots = [] }: StreamsEvents['connected']): string =>
  `${role} ${connection} ${slots.join()}`;
