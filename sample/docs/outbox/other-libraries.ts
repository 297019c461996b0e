import type { SqlTransaction } from 'nestjs-redis-streams/driver';

/** The transaction that `prisma.$transaction(async (tx) => …)` passes on. */
interface PrismaTransaction {
  $queryRawUnsafe(text: string, ...values: unknown[]): Promise<unknown[]>;
}

export const prismaTransaction = (tx: PrismaTransaction): SqlTransaction => ({
  query: async (text, values) => ({
    rows: await tx.$queryRawUnsafe(text, ...values),
  }),
});

/** The EntityManager that `orm.em.transactional(async (em) => …)` passes on. */
interface MikroOrmManager {
  getConnection(): {
    execute(
      text: string,
      values: unknown[],
      method: 'all',
      context: unknown,
    ): Promise<unknown[]>;
  };
  getTransactionContext(): unknown;
}

export const mikroOrmTransaction = (em: MikroOrmManager): SqlTransaction => ({
  query: async (text, values) => {
    // MikroORM writes ? for a value.
    const places = Array.from(
      text.matchAll(/\$(\d+)/g),
      ([, n]) => Number(n) - 1,
    );
    const rows = await em.getConnection().execute(
      text.replaceAll(/\$\d+/g, '?'),
      places.map((place) => values[place]),
      'all',
      em.getTransactionContext(),
    );
    return { rows };
  },
});
