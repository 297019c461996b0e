import { GroupNotFoundError } from '../../../../core/errors/group.errors.js';
import { createGroup, type GroupParts } from '../../groups/create-group.js';
import { findGroups } from '../../groups/find-groups.js';
import type { OwnedReading } from './owned-reading.js';

export interface OwnedPlacesOptions extends GroupParts {
  readonly group: string;
  readonly consumer: string;
  readonly startId: string;
}

/** Finds the groups of owned streams, and creates those that do not exist. */
export class OwnedPlaces {
  /** Streams of which it was told that their group was deleted on request. */
  private readonly told = new Set<string>();

  constructor(private readonly options: OwnedPlacesOptions) {}

  /** Sets the place of each reading that has none, unless its group was deleted on request. */
  async find(readings: readonly OwnedReading[]): Promise<void> {
    const missing = readings.filter(({ place }) => !place);
    if (missing.length === 0) return;
    const { database, streams, group } = this.options;
    const names = missing.map(({ owned }) => owned.stream);
    const found = await findGroups(database, streams.prefix, names, group);
    for (const [at, reading] of missing.entries()) {
      const { number, grp, deleted } = found[at]!;
      const { stream } = reading.owned;
      if (grp === null || number === null || deleted) await this.create(reading);
      else reading.place = { stream, number, grp };
    }
  }

  private async create(reading: OwnedReading): Promise<void> {
    const { group, consumer, startId, events } = this.options;
    const { stream } = reading.owned;
    const created = await createGroup(this.options, { stream, group, startId, revived: false });
    if (created.word !== 'deleted') {
      this.told.delete(stream);
      reading.place = { stream, number: created.number, grp: created.grp };
    } else if (!this.told.has(stream)) {
      this.told.add(stream);
      const error = new GroupNotFoundError(stream, group, 'deleted');
      events.emit('stream-unreadable', { stream, group, consumer, error });
    }
  }
}
