import { grantsSql, migrationSql } from 'nestjs-redis-streams/postgres';

console.log(migrationSql({ from: 0 })); // the version that the schema has
console.log(grantsSql({ role: 'shop' }));
