//! The OTLP messages as data: what the hand-written span and log decoders do not read field by field.

/// A protobuf message type.
pub(crate) struct Message {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
}

/// A field of a message type.
pub(crate) struct Field {
    pub(crate) number: u32,
    /// Its name in OTLP/JSON.
    pub(crate) json: &'static str,
    pub(crate) kind: Kind,
    pub(crate) repeated: bool,
    /// Written to JSON even if it is empty: some readers insist.
    pub(crate) insisted: bool,
}

/// The type of a field's value.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Message(&'static Message),
    String,
    Bytes,
    /// Bytes that are hexadecimal in JSON.
    Id,
    Bool,
    Int64,
    Uint32,
    Enum,
    Fixed32,
    Fixed64,
    Double,
    /// An index into the string table of the profiles signal, without meaning in traces and logs.
    StringIndex,
}

impl Message {
    /// The field with this number.
    pub(crate) fn field(&self, number: u32) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.number == number)
    }

    /// The field with this name in JSON.
    pub(crate) fn json_field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.json == name)
    }

    /// Whether it is `AnyValue`, whose fields exclude each other (`oneof`).
    pub(crate) fn is_any_value(&self) -> bool {
        std::ptr::eq(self, &ANY_VALUE)
    }
}

const fn one(number: u32, json: &'static str, kind: Kind) -> Field {
    Field { number, json, kind, repeated: false, insisted: false }
}

const fn many(number: u32, json: &'static str, kind: Kind) -> Field {
    Field { number, json, kind, repeated: true, insisted: false }
}

const fn insisted(field: Field) -> Field {
    Field { insisted: true, ..field }
}

pub(crate) static TRACES: Message =
    Message { name: "TracesData", fields: &[many(1, "resourceSpans", Kind::Message(&RESOURCE_SPANS))] };

pub(crate) static LOGS: Message =
    Message { name: "LogsData", fields: &[many(1, "resourceLogs", Kind::Message(&RESOURCE_LOGS))] };

static RESOURCE_SPANS: Message = Message {
    name: "ResourceSpans",
    fields: &[
        one(1, "resource", Kind::Message(&RESOURCE)),
        many(2, "scopeSpans", Kind::Message(&SCOPE_SPANS)),
        one(3, "schemaUrl", Kind::String),
    ],
};

static RESOURCE_LOGS: Message = Message {
    name: "ResourceLogs",
    fields: &[
        one(1, "resource", Kind::Message(&RESOURCE)),
        many(2, "scopeLogs", Kind::Message(&SCOPE_LOGS)),
        one(3, "schemaUrl", Kind::String),
    ],
};

static SCOPE_SPANS: Message = Message {
    name: "ScopeSpans",
    fields: &[
        one(1, "scope", Kind::Message(&SCOPE)),
        many(2, "spans", Kind::Message(&SPAN)),
        one(3, "schemaUrl", Kind::String),
    ],
};

static SCOPE_LOGS: Message = Message {
    name: "ScopeLogs",
    fields: &[
        one(1, "scope", Kind::Message(&SCOPE)),
        many(2, "logRecords", Kind::Message(&LOG_RECORD)),
        one(3, "schemaUrl", Kind::String),
    ],
};

pub(crate) static RESOURCE: Message = Message {
    name: "Resource",
    fields: &[
        many(1, "attributes", Kind::Message(&KEY_VALUE)),
        one(2, "droppedAttributesCount", Kind::Uint32),
        many(3, "entityRefs", Kind::Message(&ENTITY_REF)),
    ],
};

pub(crate) static SCOPE: Message = Message {
    name: "InstrumentationScope",
    fields: &[
        one(1, "name", Kind::String),
        one(2, "version", Kind::String),
        many(3, "attributes", Kind::Message(&KEY_VALUE)),
        one(4, "droppedAttributesCount", Kind::Uint32),
    ],
};

static ENTITY_REF: Message = Message {
    name: "EntityRef",
    fields: &[
        insisted(one(1, "schemaUrl", Kind::String)),
        insisted(one(2, "type", Kind::String)),
        insisted(many(3, "idKeys", Kind::String)),
        insisted(many(4, "descriptionKeys", Kind::String)),
    ],
};

static SPAN: Message = Message {
    name: "Span",
    fields: &[
        one(1, "traceId", Kind::Id),
        one(2, "spanId", Kind::Id),
        one(3, "traceState", Kind::String),
        one(4, "parentSpanId", Kind::Id),
        one(5, "name", Kind::String),
        one(6, "kind", Kind::Enum),
        one(7, "startTimeUnixNano", Kind::Fixed64),
        one(8, "endTimeUnixNano", Kind::Fixed64),
        many(9, "attributes", Kind::Message(&KEY_VALUE)),
        one(10, "droppedAttributesCount", Kind::Uint32),
        many(11, "events", Kind::Message(&EVENT)),
        one(12, "droppedEventsCount", Kind::Uint32),
        many(13, "links", Kind::Message(&LINK)),
        one(14, "droppedLinksCount", Kind::Uint32),
        one(15, "status", Kind::Message(&STATUS)),
        one(16, "flags", Kind::Fixed32),
    ],
};

static EVENT: Message = Message {
    name: "Event",
    fields: &[
        one(1, "timeUnixNano", Kind::Fixed64),
        one(2, "name", Kind::String),
        many(3, "attributes", Kind::Message(&KEY_VALUE)),
        one(4, "droppedAttributesCount", Kind::Uint32),
    ],
};

static LINK: Message = Message {
    name: "Link",
    fields: &[
        one(1, "traceId", Kind::Id),
        one(2, "spanId", Kind::Id),
        one(3, "traceState", Kind::String),
        many(4, "attributes", Kind::Message(&KEY_VALUE)),
        one(5, "droppedAttributesCount", Kind::Uint32),
        one(6, "flags", Kind::Fixed32),
    ],
};

static STATUS: Message =
    Message { name: "Status", fields: &[one(2, "message", Kind::String), one(3, "code", Kind::Enum)] };

static LOG_RECORD: Message = Message {
    name: "LogRecord",
    fields: &[
        one(1, "timeUnixNano", Kind::Fixed64),
        one(2, "severityNumber", Kind::Enum),
        one(3, "severityText", Kind::String),
        one(5, "body", Kind::Message(&ANY_VALUE)),
        many(6, "attributes", Kind::Message(&KEY_VALUE)),
        one(7, "droppedAttributesCount", Kind::Uint32),
        one(8, "flags", Kind::Fixed32),
        one(9, "traceId", Kind::Id),
        one(10, "spanId", Kind::Id),
        one(11, "observedTimeUnixNano", Kind::Fixed64),
        one(12, "eventName", Kind::String),
    ],
};

static KEY_VALUE: Message = Message {
    name: "KeyValue",
    fields: &[
        insisted(one(1, "key", Kind::String)),
        one(2, "value", Kind::Message(&ANY_VALUE)),
        one(3, "keyStrindex", Kind::StringIndex),
    ],
};

pub(crate) static ANY_VALUE: Message = Message {
    name: "AnyValue",
    fields: &[
        one(1, "stringValue", Kind::String),
        one(2, "boolValue", Kind::Bool),
        one(3, "intValue", Kind::Int64),
        one(4, "doubleValue", Kind::Double),
        one(5, "arrayValue", Kind::Message(&ARRAY_VALUE)),
        one(6, "kvlistValue", Kind::Message(&KEY_VALUE_LIST)),
        one(7, "bytesValue", Kind::Bytes),
        one(8, "stringValueStrindex", Kind::StringIndex),
    ],
};

static ARRAY_VALUE: Message =
    Message { name: "ArrayValue", fields: &[insisted(many(1, "values", Kind::Message(&ANY_VALUE)))] };

static KEY_VALUE_LIST: Message =
    Message { name: "KeyValueList", fields: &[insisted(many(1, "values", Kind::Message(&KEY_VALUE)))] };
