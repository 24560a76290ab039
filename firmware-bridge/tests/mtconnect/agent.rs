//! An MTConnect agent of our own, written from the standard: numbers what its machine says, keeps the last so many, and
//! answers `/probe`, `/current` and `/sample`. It shares no code with the reader. Stands in for an agent of others, which
//! no package registry at hand has.

use std::collections::BTreeMap;
use std::fmt::Write;

/// How an answer is put on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// With its length; a stream until the connection closes.
    Plain,
    /// In chunks of this many bytes.
    Chunks(usize),
}

/// Ids of the data items, with component, category, element, type and further attributes.
const ITEMS: &[(&str, &str, &str, &str, &str)] = &[
    ("m1-avail", "Device", "Events", "Availability", "type='AVAILABILITY'"),
    ("m1-exec", "Path", "Events", "Execution", "type='EXECUTION'"),
    ("m1-mode", "Path", "Events", "ControllerMode", "type='CONTROLLER_MODE'"),
    ("m1-program", "Path", "Events", "Program", "type='PROGRAM'"),
    ("m1-old-line", "Path", "Events", "Line", "type='LINE'"),
    ("m1-line", "Path", "Events", "LineNumber", "type='LINE_NUMBER' subType='ABSOLUTE'"),
    ("m1-inc", "Path", "Events", "LineNumber", "type='LINE_NUMBER' subType='INCREMENTAL'"),
    ("m1-mpos", "Path", "Samples", "PathPosition", "type='PATH_POSITION' subType='ACTUAL' coordinateSystem='MACHINE'"),
    (
        "m1-pos",
        "Path",
        "Samples",
        "PathPosition",
        "type='PATH_POSITION' subType='ACTUAL' coordinateSystem='WORK' units='MILLIMETER_3D'",
    ),
    (
        "m1-fcmd",
        "Path",
        "Samples",
        "PathFeedrate",
        "type='PATH_FEEDRATE' subType='COMMANDED' units='MILLIMETER/SECOND'",
    ),
    ("m1-feed", "Path", "Samples", "PathFeedrate", "type='PATH_FEEDRATE' subType='ACTUAL' units='MILLIMETER/SECOND'"),
    (
        "m1-dial",
        "Path",
        "Events",
        "PathFeedrateOverride",
        "type='PATH_FEEDRATE_OVERRIDE' subType='PROGRAMMED' units='PERCENT'",
    ),
    (
        "m1-rapid",
        "Path",
        "Events",
        "PathFeedrateOverride",
        "type='PATH_FEEDRATE_OVERRIDE' subType='RAPID' units='PERCENT'",
    ),
    (
        "m1-speed",
        "Rotary",
        "Samples",
        "RotaryVelocity",
        "type='ROTARY_VELOCITY' subType='ACTUAL' units='REVOLUTION/MINUTE'",
    ),
    ("m1-watt", "Rotary", "Samples", "Wattage", "type='WATTAGE' units='WATT'"),
    ("m1-load", "Rotary", "Samples", "Load", "type='LOAD' units='PERCENT'"),
    ("m1-tool", "Path", "Events", "ToolNumber", "type='TOOL_NUMBER'"),
];

#[derive(Clone, Debug)]
struct Observed {
    sequence: u64,
    stamp: String,
    id: &'static str,
    value: String,
}

/// The agent.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) instance: u64,
    pub(crate) coding: Coding,
    kept_max: usize,
    next: u64,
    kept: Vec<Observed>,
    current: BTreeMap<&'static str, Observed>,
}

/// What a request is answered with.
pub(crate) enum Answer {
    /// These bytes, then the connection closes.
    Whole(Vec<u8>),
    /// These bytes; then parts from this number on.
    Stream { head: Vec<u8>, from: u64 },
}

impl Agent {
    /// An agent that has heard nothing: everything is UNAVAILABLE, each item an observation.
    pub(crate) fn new(instance: u64, kept_max: usize, coding: Coding) -> Self {
        let mut agent = Self { instance, coding, kept_max, next: 1, kept: Vec::new(), current: BTreeMap::new() };
        for (id, ..) in ITEMS {
            agent.hear(0.0, id, "UNAVAILABLE");
        }
        agent
    }

    /// The machine says something, with a stamp in seconds after noon.
    pub(crate) fn hear(&mut self, at_s: f64, id: &str, value: &str) {
        let id = ITEMS.iter().find(|item| item.0 == id).map(|item| item.0).expect("an item of this device");
        let minute = (at_s / 60.0) as u64;
        let stamp = format!("2026-03-01T12:{minute:02}:{:09.6}Z", at_s - 60.0 * minute as f64);
        let observed = Observed { sequence: self.next, stamp, id, value: value.to_owned() };
        self.next += 1;
        self.current.insert(id, observed.clone());
        self.kept.push(observed);
        if self.kept.len() > self.kept_max {
            self.kept.remove(0);
        }
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    fn first(&self) -> u64 {
        self.kept.first().map_or(self.next, |kept| kept.sequence)
    }

    /// Answers the first line of a request.
    pub(crate) fn answer(&self, request: &str) -> Answer {
        let path = request.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).unwrap_or("");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let asked = |name: &str| {
            query.split('&').filter_map(|pair| pair.split_once('=')).find(|pair| pair.0 == name).map(|pair| pair.1)
        };
        match path.trim_start_matches("/m1") {
            "/probe" => Answer::Whole(self.whole(&self.probe())),
            "/current" => {
                Answer::Whole(self.whole(&self.streams(&self.current.values().collect::<Vec<_>>(), self.next)))
            }
            "/sample" => {
                let from: u64 = asked("from").and_then(|text| text.parse().ok()).unwrap_or(0);
                assert!(asked("interval").is_some() && asked("heartbeat").is_some() && asked("count").is_some());
                if from < self.first() || from > self.next {
                    return Answer::Whole(self.whole(&self.out_of_range()));
                }
                Answer::Stream { head: self.stream_head(), from }
            }
            _ => Answer::Whole(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()),
        }
    }

    /// One part of a stream with everything from a number on; also the number that comes next. `None` where the number is
    /// gone already: such an agent says what it still has.
    pub(crate) fn part(&self, from: u64) -> (Vec<u8>, u64) {
        let news: Vec<_> = self.kept.iter().filter(|kept| kept.sequence >= from).collect();
        let document = self.streams(&news, self.next);
        let mut part = format!("--mt-part\r\nContent-type: text/xml\r\nContent-length: {}\r\n\r\n", document.len());
        part.push_str(&document);
        part.push_str("\r\n");
        (self.coded(part.as_bytes()), self.next)
    }

    fn coded(&self, bytes: &[u8]) -> Vec<u8> {
        let Coding::Chunks(len) = self.coding else { return bytes.to_vec() };
        let mut out = Vec::new();
        for chunk in bytes.chunks(len) {
            out.extend_from_slice(format!("{:X};ext=1\r\n", chunk.len()).as_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    fn whole(&self, document: &str) -> Vec<u8> {
        let mut out = match self.coding {
            Coding::Plain => {
                format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", document.len())
            }
            Coding::Chunks(_) => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        }
        .into_bytes();
        out.extend(self.coded(document.as_bytes()));
        if self.coding != Coding::Plain {
            out.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
        }
        out
    }

    fn stream_head(&self) -> Vec<u8> {
        let coding = if self.coding == Coding::Plain { "" } else { "Transfer-Encoding: chunked\r\n" };
        let kind = "Content-Type: multipart/x-mixed-replace;boundary=mt-part\r\n";
        format!("HTTP/1.1 200 OK\r\n{kind}{coding}Expires: -1\r\n\r\n").into_bytes()
    }

    fn head(&self, next: u64) -> String {
        let (instance, first) = (self.instance, self.first());
        format!(
            "<Header creationTime='2026-03-01T12:00:00Z' sender='peer' instanceId='{instance}' version='1.7' \
             bufferSize='{}' firstSequence='{first}' lastSequence='{}' nextSequence='{next}'/>",
            self.kept_max,
            next - 1
        )
    }

    fn out_of_range(&self) -> String {
        format!(
            "<?xml version='1.0'?><MTConnectError xmlns='urn:mtconnect.org:MTConnectError:1.7'>{}<Errors>\
             <Error errorCode='OUT_OF_RANGE'>'from' is out of range</Error></Errors></MTConnectError>",
            self.head(self.next)
        )
    }

    fn probe(&self) -> String {
        let mut text = String::from(
            "<?xml version='1.0' encoding='UTF-8'?><MTConnectDevices xmlns='urn:mtconnect.org:MTConnectDevices:1.7'>",
        );
        text.push_str(&self.head(self.next));
        text.push_str("<Devices><Device id='m0' name='saw' uuid='u0'><DataItems/></Device>");
        text.push_str("<Device id='m1' name='m1' uuid='u1'><DataItems>");
        let items = |component: &str| {
            let mut found = String::new();
            for (id, _, category, _, attributes) in ITEMS.iter().filter(|item| item.1 == component) {
                let category = if *category == "Samples" { "SAMPLE" } else { "EVENT" };
                write!(found, "<DataItem category='{category}' id='{id}' {attributes}/>").expect("a String takes it");
            }
            found
        };
        let (device, rotary, path) = (items("Device"), items("Rotary"), items("Path"));
        text.push_str(&format!(
            "{device}</DataItems><Components><Axes id='ax'><Components><Rotary id='c' name='C'><DataItems>{rotary}\
             </DataItems></Rotary></Components></Axes><Controller id='ctl'><Components><Path id='p' name='p'>\
             <DataItems>{path}</DataItems></Path></Components></Controller></Components></Device></Devices>\
             </MTConnectDevices>"
        ));
        text
    }

    fn streams(&self, observed: &[&Observed], next: u64) -> String {
        let mut text = String::from(
            "<?xml version='1.0' encoding='UTF-8'?><MTConnectStreams xmlns='urn:mtconnect.org:MTConnectStreams:1.7'>",
        );
        text.push_str(&self.head(next));
        text.push_str("<Streams><DeviceStream name='m1' uuid='u1'>");
        for component in ["Device", "Rotary", "Path"] {
            write!(text, "<ComponentStream component='{component}'>").expect("a String takes it");
            for category in ["Samples", "Events"] {
                write!(text, "<{category}>").expect("a String takes it");
                for (id, _, _, element, _) in ITEMS.iter().filter(|item| item.1 == component && item.2 == category) {
                    for one in observed.iter().filter(|one| one.id == *id) {
                        write!(
                            text,
                            "<{element} dataItemId='{id}' sequence='{}' timestamp='{}'>{}</{element}>",
                            one.sequence, one.stamp, one.value
                        )
                        .expect("a String takes it");
                    }
                }
                write!(text, "</{category}>").expect("a String takes it");
            }
            text.push_str("</ComponentStream>");
        }
        text.push_str("</DeviceStream></Streams></MTConnectStreams>");
        text
    }
}
