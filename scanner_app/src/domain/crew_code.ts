/** A crew's code on a shared phone: short, given by the organisation, and nothing that could be a phone number. */
export function readCrewCode(typed: string): string | undefined {
  const code = typed.trim().toUpperCase();
  return /^[A-Z0-9]{2,8}$/.test(code) && !/\d{7}/.test(code) ? code : undefined;
}
