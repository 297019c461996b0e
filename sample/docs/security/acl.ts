import { redisAclRules } from 'nestjs-redis-streams';

const rules = redisAclRules({ keyPrefix: 'shop:' }).join(' ');
console.log(`ACL SETUSER shop on >… ${rules}`);
