import type { BalancerMember, BalancerMembers } from '../../../ports/balancer-members.js';
import type { Database } from '../connection/database.js';
import { fromStored, toStored } from '../sql/exact-text.js';

interface MemberRow {
  readonly consumer: string;
  readonly age: number;
  readonly said: string;
  readonly handed: readonly [id: string, token: string][] | null;
}

export interface PostgresMembersOptions {
  readonly database: Database;
  /** The key prefix, as it is stored. */
  readonly prefix: string;
  readonly service: string;
  readonly consumer: string;
}

/** The consumers of one service, as rows of a table. */
export class PostgresBalancerMembers implements BalancerMembers {
  constructor(private readonly options: PostgresMembersOptions) {}

  async meet(saying: string, noted: readonly string[] = []): Promise<BalancerMember[]> {
    const { rows } = await this.options.database.query<MemberRow>(
      'meeting the other consumers',
      'select * from {schema}.meet($1, $2, $3, $4, $5)',
      [...this.key, toStored(saying), noted],
    );
    return rows.map(({ consumer, age, said, handed }) => ({
      consumer: fromStored(consumer),
      age,
      said: fromStored(said),
      handed: (handed ?? []).map(([id, token]) => ({ id, token: Number(token) })),
    }));
  }

  async leave(): Promise<void> {
    await this.options.database.query(
      'leaving the service',
      `delete from {schema}.balancer_member where prefix = $1 and service = $2 and consumer = $3`,
      this.key,
    );
  }

  private get key(): string[] {
    const { prefix, service, consumer } = this.options;
    return [prefix, toStored(service), toStored(consumer)];
  }
}
