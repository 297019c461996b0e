import { beforeEach, describe, expect, it } from 'vitest';
import type { OutgoingEntry } from '../../lib/core/message.js';
import { ack, deadLetter, leave, postpone, release, retry } from '../../lib/core/settlement.js';
import type {
  KafkaProducer,
  KafkaRecord,
} from '../../lib/drivers/kafka/connection/kafka-client.js';
import { KafkaReplyError } from '../../lib/drivers/kafka/errors/kafka-reply.error.js';
import type { KafkaLease } from '../../lib/drivers/kafka/partitions/kafka.lease.js';
import { decodeMetadata } from '../../lib/drivers/kafka/partitions/offset-metadata.js';
import { beginLease } from '../../lib/drivers/kafka/settling/leases.js';
import { KafkaSettling } from '../../lib/drivers/kafka/settling/settling.js';
import { TransactionalProducers } from '../../lib/drivers/kafka/settling/transactional-producers.js';
import type { Settling } from '../../lib/ports/source.js';
import { PartitionBroker, PartitionOwner } from '../support/kafka-owner.js';
import { until } from '../support/until.js';

const TOO_LARGE = new KafkaReplyError('sending', 'MESSAGE_TOO_LARGE', 'Too large');
const FENCED = new KafkaReplyError('sending', 'INVALID_PRODUCER_EPOCH', 'Another producer');
const AWAY = new Error('connection lost');

/** Transactions as a broker has them, of one transactional id. */
class TransactionBroker {
  /** What readers at read_committed see, a list for each transaction. */
  readonly read: string[][] = [];
  /** What opening, sending, commits of members and ends of transactions were, in their order. */
  readonly log: string[] = [];
  /** Called before the commit of a transaction is carried out, and behind it. */
  beforeCommit = () => undefined as unknown;
  afterCommit = () => undefined as unknown;
  private epoch = 0;

  constructor(private readonly offsets: PartitionBroker) {
    const { commit } = offsets;
    Object.assign(offsets, {
      commit: (list: Parameters<typeof commit>[0]) => {
        this.log.push('commit of the member');
        return commit(list);
      },
    });
  }

  readonly producer = async (): Promise<KafkaProducer> => {
    const epoch = ++this.epoch;
    this.log.push('open');
    const check = () => {
      if (epoch !== this.epoch) throw FENCED;
    };
    return {
      send: async () => [],
      close: async () => undefined,
      transaction: async () => {
        check();
        let sent: string[] = [];
        let offset: PartitionBroker['committed'] | undefined;
        return {
          send: async (records) => {
            check();
            sent = records.map(({ value }) => String(value));
            return sent.map((value, at) => (value === 'too large' ? TOO_LARGE : at));
          },
          sendOffsets: async (_group, _topic, [one]) => {
            check();
            offset = one;
          },
          commit: async () => {
            await this.beforeCommit();
            check();
            this.log.push(`commit of ${sent.length}`);
            this.read.push(sent);
            this.offsets.committed = offset!;
            await this.afterCommit();
          },
          abort: async () => check(),
        };
      },
    };
  };

  /** Another process opens the producer. */
  fence(): void {
    this.epoch++;
  }
}

let offsets: PartitionBroker;
let broker: TransactionBroker;
let owner: PartitionOwner;
let settling: KafkaSettling;
let producers: TransactionalProducers;
let isDeleted: () => Promise<boolean>;

const record = (value: string): KafkaRecord => ({ topic: 'out', partition: 0, key: null, value });

beforeEach(async () => {
  offsets = new PartitionBroker();
  broker = new TransactionBroker(offsets);
  producers = new TransactionalProducers(broker);
  isDeleted = async () => false;
  settling = new KafkaSettling({
    producers,
    groupOffset: async () => offsets.committed,
    records: {
      outgoing: async (entries) => entries.map(({ fields }) => record(fields[0]!)),
      deadLetter: async ({ id }, { reason }) => record(`dead ${id} ${reason}`),
      retry: async ({ id }, { attempts }) => {
        if (id === '0-9') throw new Error('no right to make a topic');
        if (id === '0-8') return record('too large');
        return record(`retry ${id} ${attempts}`);
      },
    },
    retryTopicAfter: 1000,
    isDeleted: () => isDeleted(),
  });
  owner = await new PartitionOwner(offsets, false, undefined, producers).open();
});

const entry = (value: string): OutgoingEntry => ({ stream: 'out', fields: [value] });
const publishing = (lease: KafkaLease, ...values: string[]): Settling => ({
  lease,
  settlement: { kind: 'ack', publish: values.map(entry) },
});
const committed = () => decodeMetadata(offsets.committed.offset, offsets.committed.metadata);

describe('settlements that write records', () => {
  it('gather in one transaction with the offset', async () => {
    const leases = await owner.handOutAll([0, 1, 2]);
    const outcomes = await settling.settle([
      publishing(leases[0]!, 'a', 'b'),
      { lease: leases[1]!, settlement: ack },
      {
        lease: leases[2]!,
        settlement: deadLetter('unrecoverable'),
        record: { reason: 'unrecoverable' } as never,
      },
    ]);
    expect(outcomes).toEqual(['settled', 'settled', 'settled']);
    expect(broker.read).toEqual([['a', 'b', 'dead 0-2 unrecoverable']]);
    expect(committed()).toMatchObject({ floor: 3, transaction: 1, transacts: true });
    expect(await settling.settle([publishing(leases[0]!, 'a')])).toEqual(['gone']);
    const { commits } = offsets;
    await owner.flush();
    expect(offsets.commits, 'the transaction has told it all').toBe(commits);
  });

  it('open the producer, then commit by the member, then begin: a zombie does not come so far', async () => {
    const [lease] = await owner.handOutAll([0]);
    broker.log.length = 0;
    await settling.settle([publishing(lease!, 'a')]);
    expect(broker.log).toEqual(['open', 'commit of the member', 'commit of 1']);
  });

  it('of a zombie whose commit is refused send nothing, and are lost when it hears of that', async () => {
    const [lease] = await owner.handOutAll([0]);
    offsets.refusal = new KafkaReplyError('committing', 'ILLEGAL_GENERATION', 'Expelled');
    const settled = settling.settle([publishing(lease!, 'a')]);
    await new Promise((resolve) => setImmediate(resolve));
    owner.die();
    expect(await settled).toEqual(['lost']);
    expect(broker.read).toEqual([]);
  });

  it('keep back other commits of the partition while the transaction is open', async () => {
    const leases = await owner.handOutAll([0, 1]);
    await settling.settle([publishing(leases[0]!, 'a')]);
    broker.log.length = 0;
    broker.beforeCommit = async () => {
      await settling.settle([{ lease: leases[1]!, settlement: ack }]);
      void owner.flush();
      await new Promise((resolve) => setImmediate(resolve));
    };
    const [more] = await owner.handOutAll([2]);
    broker.log.length = 0;
    await settling.settle([publishing(more!, 'b')]);
    await owner.flush();
    expect(broker.log).toEqual(['commit of 1', 'commit of the member']);
    expect(committed()).toMatchObject({ floor: 3, transaction: 2 });
  });

  it('fail alone where the broker refuses their records', async () => {
    const leases = await owner.handOutAll([0, 1, 2, 3, 4]);
    const values = ['a', 'b', 'too large', 'c', 'd'];
    const outcomes = await settling.settle(
      leases.map((lease, at) => publishing(lease, values[at]!)),
    );
    expect(outcomes).toEqual(['settled', 'settled', TOO_LARGE, 'settled', 'settled']);
    expect(broker.read.flat()).toEqual(['a', 'b', 'c', 'd']);
    expect([...committed().done]).toEqual([[3, 5]]);
  });

  it('are settled where only the answer to the commit was lost', async () => {
    const [lease] = await owner.handOutAll([0]);
    broker.afterCommit = () => {
      throw AWAY;
    };
    expect(await settling.settle([publishing(lease!, 'a')])).toEqual(['settled']);
    expect(broker.read).toEqual([['a']]);
    expect(committed().floor).toBe(1);
  });

  it('can be tried again where the commit did not arrive', async () => {
    const [lease] = await owner.handOutAll([0]);
    broker.beforeCommit = () => {
      throw AWAY;
    };
    expect(await settling.settle([publishing(lease!, 'a')])).toEqual([AWAY]);
    broker.beforeCommit = () => undefined;
    expect(await settling.settle([publishing(lease!, 'a')])).toEqual(['settled']);
    expect(broker.read).toEqual([['a']]);
  });

  it('go on by a new producer after a zombie has opened one', async () => {
    const leases = await owner.handOutAll([0, 1]);
    await settling.settle([publishing(leases[0]!, 'a')]);
    broker.fence();
    expect(await settling.settle([publishing(leases[1]!, 'b')])).toEqual([FENCED]);
    expect(await settling.settle([publishing(leases[1]!, 'b')])).toEqual(['settled']);
    expect(broker.read).toEqual([['a'], ['b']]);
  });

  it('make the next owner open the producer before it reads the offset', async () => {
    const [lease] = await owner.handOutAll([0]);
    await settling.settle([publishing(lease!, 'a')]);
    owner.die();
    broker.log.length = 0;
    await new PartitionOwner(offsets, false, undefined, producers).open();
    expect(broker.log).toEqual(['open']);
  });

  it('of a zombie do not go by the producer of a later owner in the same process', async () => {
    const leases = await owner.handOutAll([0, 1]);
    await settling.settle([publishing(leases[0]!, 'a')]);
    const zombie = owner;
    const later = await new PartitionOwner(offsets, false, undefined, producers).open();
    const [lease, next] = await later.handOutAll([2, 3]);
    expect(await settling.settle([publishing(lease!, 'b')])).toEqual(['settled']);
    // Its commits are refused, though it has not heard of that yet.
    offsets.refusal = new KafkaReplyError('committing', 'ILLEGAL_GENERATION', 'Expelled');
    broker.log.length = 0;
    const settled = settling.settle([publishing(leases[1]!, 'of the zombie')]);
    await until('the zombie has tried to commit', () =>
      broker.log.includes('commit of the member'),
    );
    zombie.die();
    expect(await settled).toEqual(['lost']);
    offsets.refusal = undefined;
    // The zombie had fenced it, so it may fail once.
    const tries = [await settling.settle([publishing(next!, 'c')])];
    if (tries[0]![0] !== 'settled') tries.push(await settling.settle([publishing(next!, 'c')]));
    expect(tries.at(-1)).toEqual(['settled']);
    expect(broker.read).toEqual([['a'], ['b'], ['c']]);
  });

  it('of the owner before are seen where the broker shows them a moment later', async () => {
    const [first, second] = await owner.handOutAll([0, 1]);
    await settling.settle([publishing(first!, 'a')]);
    const shown = offsets.committed;
    await settling.settle([publishing(second!, 'b')]);
    const { committed: hidden } = offsets;
    owner.die();
    const next = new PartitionOwner(offsets, false, undefined, producers);
    // The member looks before it fences, and once more at once. The broker shows the other one then.
    let looks = 0;
    Object.defineProperty(offsets, 'committed', { get: () => (++looks > 2 ? hidden : shown) });
    await next.open();
    expect([next.state.floor, next.state.transaction]).toEqual([2, 2]);
  });
});

describe('a retry', () => {
  it('goes to the retry topic where it waits long, and the lease is over', async () => {
    const [lease] = await owner.handOutAll([0]);
    expect(await settling.settle([{ lease: lease!, settlement: retry(2000) }])).toEqual(['moved']);
    expect(broker.read).toEqual([['retry 0-0 1']]);
    expect(committed().floor).toBe(1);
    expect(await settling.settle([{ lease: lease!, settlement: retry(2000) }])).toEqual(['moved']);
  });

  it('waits in its place where it waits shortly, is ordered, or is taken by no topic', async () => {
    const leases = await owner.handOutAll([0, 1, 8, 9]);
    const outcomes = await settling.settle([
      { lease: leases[0]!, settlement: retry(500) },
      { lease: leases[1]!, settlement: { ...retry(2000), inPlace: true } },
      { lease: leases[2]!, settlement: retry(2000) },
      { lease: leases[3]!, settlement: retry(2000) },
    ]);
    expect(outcomes).toEqual(['settled', 'settled', 'settled', 'settled']);
    expect(broker.read).toEqual([]);
    for (const lease of leases) {
      expect([lease.charged, lease.attempt]).toEqual([false, 1]);
      expect(await beginLease(lease)).toBe('started');
      expect(lease.attempt).toBe(2);
    }
  });

  it('that has not run is taken back, for the next owner too', async () => {
    const [lease] = await owner.handOutAll([0]);
    expect(await settling.settle([{ lease: lease!, settlement: postpone(10) }])).toEqual([
      'settled',
    ]);
    expect(lease!.attempt).toBe(0);
    const [again] = await (await owner.next()).handOutAll([0]);
    expect([again!.attempt, again!.charged]).toEqual([0, false]);
  });
});

it('a lease of a partition that is lost settles nothing', async () => {
  const leases = await owner.handOutAll([0, 1, 2]);
  owner.die();
  const outcomes = await settling.settle([
    { lease: leases[0]!, settlement: ack },
    { lease: leases[1]!, settlement: release },
    publishing(leases[2]!, 'a'),
  ]);
  expect(outcomes).toEqual(['lost', 'lost', 'lost']);
  expect(broker.read).toEqual([]);
});

it('a group that was deleted has nothing in hand any more', async () => {
  isDeleted = async () => true;
  const leases = await owner.handOutAll([0, 1]);
  const outcomes = await settling.settle([
    { lease: leases[0]!, settlement: ack },
    { lease: leases[1]!, settlement: release },
  ]);
  expect(outcomes).toEqual(['settled', 'gone']);
});

it('a broker that does not say whether the group was deleted holds up no release', async () => {
  isDeleted = () => new Promise(() => undefined);
  const [lease] = await owner.handOutAll([0]);
  expect(await settling.settle([{ lease: lease!, settlement: release }])).toEqual(['settled']);
});

it('an entry cannot be left pending', async () => {
  const [lease] = await owner.handOutAll([0]);
  expect(await settling.settle([{ lease: lease!, settlement: leave }])).toEqual([
    expect.objectContaining({ code: 'UNSUPPORTED_FEATURE' }),
  ]);
});
