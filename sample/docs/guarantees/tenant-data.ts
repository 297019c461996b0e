import { Injectable } from '@nestjs/common';

@Injectable()
export class TenantData {
  deleted = false;

  async delete(): Promise<void> {
    this.deleted = true;
  }
}
