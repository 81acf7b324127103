/** Hands in what another device sealed: its seals speak for it, so anybody may bring it. */
import { hexToBytes } from "../domain/bytes.ts";
import { splitWords } from "../domain/journal.ts";
import { MalformedUpload, packUploads, unpackUploads, type Upload } from "../domain/segment_bytes.ts";
import type { DeviceId } from "../domain/types.ts";
import type { Api } from "./api.ts";

export type HandedIn =
  | { readonly is: "handed-in"; readonly device: DeviceId; readonly entries: number }
  | { readonly is: "refused"; readonly why: string }
  | { readonly is: "unreachable" };

/** Hands in one journal's segments in their order, and ends at the first that is not taken. */
export async function handIn(api: Api, uploads: readonly Upload[]): Promise<HandedIn> {
  const [first] = uploads;
  if (first === undefined) return { is: "refused", why: "" };
  for (const upload of uploads) {
    const answer = await api.upload(upload);
    if (answer.is === "unreachable") return answer;
    if (answer.is === "problem") {
      const { detail, title } = answer.problem;
      return { is: "refused", why: detail || title };
    }
  }
  const entries = uploads.reduce((sum, { words }) => sum + splitWords(hexToBytes(words)).length, 0);
  return { is: "handed-in", device: first.device, entries };
}

/** The segments of a run of codes; undefined when it is none. */
export function uploadsOfBody(body: Uint8Array): readonly Upload[] | undefined {
  try {
    return unpackUploads(body);
  } catch (problem) {
    if (problem instanceof MalformedUpload) return undefined;
    throw problem;
  }
}

/** The segments of a rescue file that wait to be sent; undefined when it is no rescue file. */
export function uploadsOfFile(text: string): readonly Upload[] | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { format, uploads } = (content ?? {}) as { format?: unknown; uploads?: unknown };
  if (format !== "huanlian-rescue-1" || !Array.isArray(uploads)) return undefined;
  try {
    return unpackUploads(packUploads(uploads as Upload[]));
  } catch {
    // Whatever stumbled: these are not the segments that a phone writes down.
    return undefined;
  }
}
