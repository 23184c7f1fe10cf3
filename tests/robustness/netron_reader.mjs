// node netron_reader.mjs FOLDER FILE...    What Netron shows of each `.ms` file, a JSON document a line.
// FOLDER holds flatbuffers.js, mslite.js, mslite-schema.js and mslite-metadata.json of the Python package netron, and a
// package.json that says that they are modules.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, ...files] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(folder, name)));
const { BinaryReader } = await load('flatbuffers.js');
const { ModelFactory } = await load('mslite.js');

// What Netron's page knows about operators, as its own view answers.
class Metadata {
    constructor(types) {
        this.types = new Map(types.map((type) => [type.name, type]));
    }

    type(name) {
        return this.types.get(name) || { name };
    }

    attribute(type, name) {
        return (this.type(type).attributes || []).find((attribute) => attribute.name === name) || null;
    }
}

const contextOf = (file) => ({
    identifier: file,
    peek: async () => BinaryReader.open(new Uint8Array(readFileSync(file))),
    set(type, value) {
        this.value = value;
        return type;
    },
    require: (name) => load(`${name}.js`),
    metadata: async (name) => new Metadata(JSON.parse(readFileSync(join(folder, name), 'utf-8')))
});

const names = (slots) => slots.flatMap((slot) => slot.value.map((value) => value.name));

const shownNode = (node) => ({
    name: node.name,
    type: node.type.name,
    attributes: Object.fromEntries(node.attributes.map(({ name, value }) => [name, value])),
    inputs: names(node.inputs),
    outputs: names(node.outputs)
});

const shownGraph = (graph) => ({
    name: graph.name,
    inputs: names(graph.inputs),
    outputs: names(graph.outputs),
    nodes: graph.nodes.map(shownNode)
});

const plain = (key, value) => {
    if (typeof value === 'bigint') {
        return Number(value);
    }
    return ArrayBuffer.isView(value) ? Array.from(value) : value;
};

for (const file of files) {
    const context = contextOf(file);
    const factory = new ModelFactory();
    if (!await factory.match(context)) {
        throw new Error(`${file}: Netron does not know this file`);
    }
    const model = await factory.open(context);
    console.log(JSON.stringify({ format: model.format, graphs: model.modules.map(shownGraph) }, plain));
}
