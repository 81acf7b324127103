import { describe, expect, it } from "vitest";
import { readCertificate } from "../../../scanner_app/src/domain/certificate.ts";
import { certificateOf } from "../renewing.ts";
import { NETWORK, SoftwareDevice } from "../street.ts";

describe("a certificate", () => {
  const registrar = new SoftwareDevice("0000020000000001");
  const read = (replaced?: string) => {
    const fields = { device: "0000020000000009", role: 1, scheme: 1, x: "11", y: "22" };
    if (replaced === undefined) registrar.write("enrol", fields);
    else registrar.write("rotate", { ...fields, replaced });
    const answer = readCertificate(NETWORK, certificateOf(registrar));
    return answer.is === "read" ? answer.enrolled : undefined;
  };

  it("of an enrolment takes no device's place", () => {
    expect(read()).toMatchObject({ device: "0000020000000009", role: "crew", replaced: undefined });
  });

  it("of a rotation names the device whose place is taken", () => {
    expect(read("0000020000000007")).toMatchObject({
      device: "0000020000000009",
      replaced: "0000020000000007",
    });
  });
});
