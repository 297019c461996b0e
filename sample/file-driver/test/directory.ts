import {
  EventBus,
  type DeadLetterRecord,
  type Driver,
  type Lease,
  type Subscription,
} from 'nestjs-redis-streams/driver';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file, type FileOptions } from '../src/index.js';

/** A directory for one test, with the drivers that the test opens on it. */
export class Directory {
  readonly path: string;
  /** Messages of the event `warning`. */
  readonly warnings: string[] = [];
  private readonly drivers: Driver[] = [];

  /** @param from the directory whose data this one begins with */
  constructor(from?: Directory) {
    this.path = mkdtempSync(join(tmpdir(), 'file-driver-'));
    if (from) cpSync(from.path, this.path, { recursive: true });
  }

  open(options: Partial<FileOptions> = {}): Driver {
    const events = new EventBus();
    events.on('warning', ({ message }) => this.warnings.push(message));
    const driver = file({ directory: this.path, sync: false, ...options }).open({
      events,
      keyPrefix: '',
    });
    this.drivers.push(driver);
    return driver;
  }

  async closeDrivers(): Promise<void> {
    for (const driver of this.drivers.splice(0)) await driver.source.close();
  }

  async remove(): Promise<void> {
    await this.closeDrivers();
    rmSync(this.path, { recursive: true });
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  /** The directory as it would be if the process died now. */
  afterDeath(): Directory {
    return new Directory(this);
  }
}

export const STREAM = 'orders';

/** Of the first entry of the stream. */
export const RECORD: DeadLetterRecord = {
  ...{ stream: STREAM, id: '1', group: 'billing', consumer: 'A', attempts: 1 },
  ...{ reason: 'unrecoverable', publishedAt: '2025-01-01T00:00:00.000Z' },
  deadLetteredAt: '2025-01-01T00:00:01.000Z',
};

export function publish({ source }: Driver, ...values: string[]): Promise<(string | Error)[]> {
  return source.publish(values.map((value) => ({ stream: STREAM, fields: ['value', value] })));
}

/** Reads the test's stream in the group `billing`. */
export function subscribe({ source }: Driver, consumer = 'A'): Promise<Subscription> {
  return source.subscribe({
    ...{ streams: [STREAM], group: 'billing', consumer, startId: '0' },
    ...{ blockTimeout: 0, idleTimeout: 60_000, reclaimInterval: 1000 },
  });
}

export const valuesOf = (leases: readonly Lease[]): (string | undefined)[] =>
  leases.map(({ fields }) => fields?.[1]);
