import { describe, expect, it } from "vitest";
import type { DeviceId, SiteId } from "../../../scanner_app/src/domain/types.ts";
import type { ToldMandate } from "../../../scanner_app/src/store/database.ts";
import {
  heardMandates,
  mandatesFor,
  principalOf,
  principalsOf,
} from "../../../scanner_app/src/ui/taking/mandates.ts";

const PARK = "0000040000000001" as DeviceId;
const STATION = "0000030000000001" as DeviceId;
const CREW = "0000020000000007" as DeviceId;
const NOBODY = "0000000000000000" as DeviceId;

const mandate = (more: Partial<ToldMandate>): ToldMandate => ({
  principal: PARK,
  seq: 1,
  to: "0000020000000000" as DeviceId,
  left: 100,
  until: 1,
  depth: 0,
  streams: 0b11110,
  site: "0000000000000000" as SiteId,
  is_revoked: false,
  parent: NOBODY,
  parent_seq: 0,
  ...more,
});

describe("a mandate that was told", () => {
  const above = mandate({ to: "0000030000000000" as DeviceId, depth: 1 });
  const below = mandate({ principal: STATION, seq: 5, parent: PARK, parent_seq: 1 });

  it("speaks for whom it was first granted by", () => {
    expect(principalOf([above, below], below)).toBe("000004");
    expect(principalOf([below], below)).toBe("000003");
    expect(principalsOf([above, below])).toEqual(["000004"]);
  });

  it("ends where mandates name each other in a ring", () => {
    const ring = [mandate({ parent: STATION, parent_seq: 5 }), below];
    expect(principalsOf(ring)).toHaveLength(2);
  });

  it("may be cited by the devices that it names", () => {
    expect(mandatesFor([above, below], CREW)).toEqual([below]);
  });

  it("is looked up as the rules look mandates up", () => {
    expect(heardMandates([below]).get(`${STATION}:5`)).toMatchObject({ left: 100, parentSeq: 1, isRevoked: false });
  });
});
