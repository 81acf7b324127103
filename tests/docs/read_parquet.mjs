// Prints a Parquet file's rows as JSON lines after its metadata, read by a library that is not ours.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";

const bytes = readFileSync(process.argv[2]);
const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
const about = Object.fromEntries(parquetMetadata(file).key_value_metadata.map(({ key, value }) => [key, value]));
const compressors = { GZIP: (input) => gunzipSync(input) };
const rows = await parquetReadObjects({ file, compressors });
const plain = (_, value) => (typeof value === "bigint" ? value.toString() : value);
console.log(JSON.stringify(about));
for (const row of rows) console.log(JSON.stringify(Object.entries(row), plain));
