import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import {
  PostgresInbox,
  typeOrmTransactions,
} from 'nestjs-redis-streams/postgres';
import { DataSource, type EntityManager } from 'typeorm';
import { dataSource } from '../outbox/data-source.js';

/** Closed after the consumers have stopped. */
export class OrmInbox
  extends PostgresInbox<EntityManager>
  implements OnApplicationShutdown
{
  constructor(@Inject(DataSource) database: DataSource) {
    super({
      url: 'postgres://localhost/shop',
      transactions: typeOrmTransactions(database),
    });
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

@Module({
  providers: [dataSource, OrmInbox],
  exports: [OrmInbox],
})
export class DatabaseModule {}
